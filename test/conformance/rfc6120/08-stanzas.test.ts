/** RFC 6120 §8: what stanzas are, who they are from, and how they are answered when something is wrong. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, findChild, NS, namespaceOf } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestClient } from '@beaconfire/plugin-sdk/testing'
import ping from '../../../plugins/ping/index.js'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { openStage } from '../support/stage.js'

const stage = await openStage({ plugins: [ping, roster, presence] })
const quiet = () => stage.login({ available: false })

describe('the sender', () => {
  test('is stamped with its full JID whether it says nothing or its full or bare JID, in any spelling (§8.1.2.1)', async () => {
    const [sender, target] = [await quiet(), await quiet()]
    const claims = ['', `from="${sender.jid}"`, `from="${sender.jid.bare()}"`, `from="${sender.jid.local.toUpperCase()}@TEST"`]
    for (const claim of claims) {
      sender.send(`<message ${claim} to="${target.jid}"/>`)
      assert.equal((await target.receive('message')).attrs.from, sender.jid.toString(), claim)
    }
  })

  for (const [what, from] of [
    ['another account', () => 'juliet@test'],
    ['another resource of its account', (sender: TestClient) => `${sender.jid.bare()}/other`],
    ['the server', () => 'test'],
    ['what is no address', () => '@'],
  ] as const) {
    test(`that claims to be ${what} is ended with invalid-from, and the stanza goes nowhere (§4.9.3.9, §8.1.2.1)`, async () => {
      const [sender, target] = [await quiet(), await quiet()]
      for (const stanza of ['message', 'presence']) {
        const liar = await stage.another(sender, { available: false })
        liar.send(`<${stanza} from="${from(liar)}" to="${target.jid}"/>`)
        assert.equal((await liar.closed).error, 'invalid-from')
      }
      await target.receiveNothing()
    })
  }

  test('of what the server says for itself is its domain, of what it says for the account nobody or the account (§8.1.2.1)', async () => {
    const client = await quiet()
    assert.equal((await client.request('<iq type="get" to="test"><ping xmlns="urn:xmpp:ping"/></iq>')).attrs.from, 'test')
    const roster = await client.request('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')
    assert.ok([undefined, client.jid.bare().toString()].includes(roster.attrs.from))
  })
})

describe('the address', () => {
  test('of a stanza for another is not changed on its way (§8.1.1.1)', async () => {
    const [sender, target] = [await quiet(), await stage.login()]
    for (const to of [target.jid, target.jid.bare()]) {
      sender.send(`<message type="chat" to="${to}"/>`)
      assert.equal((await target.receive('message')).attrs.to, to.toString())
    }
  })

  test('of an answer of the server is the full JID of who asked, or none (§8.1.1.1)', async () => {
    const client = await quiet()
    const answer = await client.request('<iq type="get" to="test"><ping xmlns="urn:xmpp:ping"/></iq>')
    assert.ok([undefined, client.jid.toString()].includes(answer.attrs.to))
  })
})

describe('the id', () => {
  test('of a request is that of its answer, whatever characters it has (§8.1.3, §8.2.3)', async () => {
    const client = await quiet()
    for (const id of ['a', 'ünï-💘', '  spaces  ', '&lt;&amp;&quot;', 'x'.repeat(1000)]) {
      client.send(`<iq type="get" to="test" id="${id}"><ping xmlns="urn:xmpp:ping"/></iq>`)
      const answer = await client.receive('iq')
      assert.equal(answer.attrs.id, id.replace('&lt;&amp;&quot;', '<&"'))
    }
  })

  test('of a message or presence is that of the error in answer to it; none is answered with none (§8.3.1)', async () => {
    const client = await quiet()
    client.send('<message id="m" to="nobody@test"/><message to="nobody@test"/><presence id="p" type="nonsense"/>')
    const errors = [await client.receive('message'), await client.receive('message'), await client.receive('presence')]
    assert.deepEqual(
      errors.map((it) => it.attrs.id),
      ['m', undefined, 'p'],
    )
  })
})

describe('xml:lang', () => {
  test('of the stream is put on stanzas that have none, and is never changed on those that have (§4.7.4, §8.1.5)', async () => {
    const target = await quiet()
    const { local } = await stage.account()
    const stream = await stage.server.connect()
    await stream.open({ 'xml:lang': 'it' })
    await stream.authenticate('PLAIN', local, local)
    await stream.open({ 'xml:lang': 'it' })
    await stream.bind()
    stream.send(`<message to="${target.jid}"><body>ciao</body></message><message to="${target.jid}" xml:lang="en"><body>hi</body></message>`)
    assert.deepEqual([(await target.receive('message')).attrs['xml:lang'], (await target.receive('message')).attrs['xml:lang']], ['it', 'en'])
  })
})

describe('an iq', () => {
  const wrong: [string, string][] = [
    ['without a type', '<iq id="a"><ping xmlns="urn:xmpp:ping"/></iq>'],
    ['of a type that is none', '<iq type="ask" id="a"><ping xmlns="urn:xmpp:ping"/></iq>'],
    ['of type get without a child', '<iq type="get" id="a"/>'],
    ['of type set without a child', '<iq type="set" id="a"/>'],
    ['of type get with two children', '<iq type="get" id="a"><x xmlns="urn:x"/><y xmlns="urn:y"/></iq>'],
    ['of type set with two children', '<iq type="set" id="a"><x xmlns="urn:x"/><y xmlns="urn:y"/></iq>'],
  ]
  for (const [what, xml] of wrong) {
    test(`${what} is a bad request, to the server and to others, and reaches nobody (§8.2.3)`, async () => {
      const [client, target] = [await quiet(), await quiet()]
      for (const to of ['', 'to="test"', `to="${target.jid}"`]) {
        client.send(xml.replace('<iq', `<iq ${to}`))
        const error = await client.receive('iq')
        assert.deepEqual([error.attrs.type, error.attrs.id, errorCondition(error)], ['error', 'a', 'bad-request'])
      }
      await target.receiveNothing('iq')
    })
  }

  test('without an id is a bad request, answered without one (§8.1.3, §8.2.3)', async () => {
    const client = await quiet()
    client.send('<iq type="get" to="test"><ping xmlns="urn:xmpp:ping"/></iq>')
    const error = await client.receive('iq')
    assert.deepEqual([errorCondition(error), error.attrs.id || undefined], ['bad-request', undefined])
  })

  test('of type get or set is answered exactly once (§8.2.3)', async () => {
    const client = await quiet()
    for (const type of ['get', 'set']) await client.request(`<iq type="${type}" to="test"><query xmlns="urn:nobody"/></iq>`)
    await client.receiveNothing('iq')
  })

  test('of type result or error is never answered, right or wrong as it may be (§8.2.3)', async () => {
    const client = await quiet()
    for (const type of ['result', 'error']) {
      for (const to of ['', 'to="test"', 'to="nobody@test"', 'to="nobody@test/x"', 'to="elsewhere.example"', 'to="a b@test"']) {
        client.send(`<iq type="${type}" id="x" ${to}/>`)
        client.send(`<iq type="${type}" id="x" ${to}><x xmlns="urn:x"/><y xmlns="urn:y"/></iq>`)
      }
    }
    await client.receiveNothing()
  })

  test('of a namespace the server does not know is answered with service-unavailable (§8.4)', async () => {
    const client = await quiet()
    for (const to of ['', 'to="test"', `to="${client.jid.bare()}"`]) {
      for (const type of ['get', 'set']) {
        assert.equal(errorCondition(await client.request(`<iq type="${type}" ${to}><query xmlns="urn:nobody"/></iq>`)), 'service-unavailable')
      }
    }
  })

  test('of a namespace it knows, but with an element it does not, is an error (§8.3.3.1, §8.3.3.3)', async () => {
    const client = await quiet()
    const answer = await client.request('<iq type="get"><nonsense xmlns="jabber:iq:roster"/></iq>')
    assert.ok(['bad-request', 'feature-not-implemented', 'service-unavailable'].includes(errorCondition(answer) ?? ''))
  })
})

describe('an error', () => {
  const errorOf = (stanza: Element) => findChild(stanza, 'error', NS.client) as Element
  const TYPES: Record<string, string> = {
    'service-unavailable': 'cancel',
    'bad-request': 'modify',
    'jid-malformed': 'modify',
    'remote-server-not-found': 'cancel',
  }

  for (const [what, xml, condition] of [
    ['a message', '<message id="e" to="nobody@test"><body>hello</body></message>', 'service-unavailable'],
    ['presence', '<presence id="e" type="nonsense"/>', 'bad-request'],
    ['an iq', '<iq id="e" type="get" to="nobody@test/x"><query xmlns="urn:any"/></iq>', 'service-unavailable'],
    ['a stanza to another domain', '<message id="e" to="a@elsewhere.example"/>', 'remote-server-not-found'],
  ] as const) {
    test(`in answer to ${what} has type, condition and addresses as they must be (§8.3.1, §8.3.2)`, async () => {
      const client = await quiet()
      client.send(xml)
      const stanza = await client.receive((el) => el.attrs.id === 'e')
      assert.equal(stanza.getName(), /<(\w+)/.exec(xml)?.[1], 'of the same kind')
      assert.equal(stanza.attrs.type, 'error')
      assert.equal(stanza.attrs.from, /to="([^"]+)"/.exec(xml)?.[1], 'addresses are swapped')
      assert.ok([undefined, client.jid.toString()].includes(stanza.attrs.to))
      const error = errorOf(stanza)
      assert.equal(error.attrs.type, TYPES[condition])
      const conditions = childElements(error).filter((it) => namespaceOf(it) === NS.stanzaErrors && it.getName() !== 'text')
      assert.deepEqual(
        conditions.map((it) => it.getName()),
        [condition],
      )
    })
  }

  test('has text only with its language (§8.3.2)', async () => {
    const client = await quiet()
    client.send('<presence id="e" type="nonsense"/>')
    const text = findChild(errorOf(await client.receive('presence')), 'text', NS.stanzaErrors)
    assert.equal(text?.attrs['xml:lang'], 'en')
  })

  test('does not repeat an address that is none: it has no sender (§8.3.1)', async () => {
    const client = await quiet()
    client.send('<message id="e" to="@test"/>')
    const error = await client.receive('message')
    assert.deepEqual([errorCondition(error), error.attrs.from], ['jid-malformed', undefined])
  })

  test('is never answered with an error, whatever is wrong with it (§8.3.1)', async () => {
    const client = await quiet()
    const error = `<error type="cancel"><gone xmlns="${NS.stanzaErrors}"/></error>`
    for (const to of ['', 'to="test"', 'to="nobody@test"', 'to="nobody@test/x"', 'to="a@elsewhere.example"', 'to="@test"']) {
      for (const kind of ['message', 'presence', 'iq']) {
        client.send(`<${kind} type="error" id="x" ${to}>${error}</${kind}>`)
        client.send(`<${kind} type="error" id="x" ${to}/>`)
      }
    }
    await client.receiveNothing()
  })

  test('made by another client reaches who it is for (§8.3)', async () => {
    const [client, target] = [await quiet(), await quiet()]
    client.send(`<message type="error" id="x" to="${target.jid}"><error type="cancel"><gone xmlns="${NS.stanzaErrors}"/></error></message>`)
    assert.equal(errorCondition(await target.receive('message')), 'gone')
  })
})

describe('extended content', () => {
  test('that the server does not understand is delivered as it is, prefixes and all (§8.4)', async () => {
    const [client, target] = [await quiet(), await quiet()]
    const extensions = [
      '<x xmlns="urn:x" a="1"><y xmlns="urn:y">text</y><z/></x>',
      '<p:x xmlns:p="urn:p" p:a="1"><p:y/></p:x>',
      '<x xmlns="urn:x" xmlns:q="urn:q"><q:y q:z="&lt;"/></x>',
    ]
    for (const kind of ['message', 'presence']) {
      for (const extension of extensions) {
        client.send(`<${kind} to="${target.jid}">${extension}</${kind}>`)
        assert.equal(String((await target.receive(kind)).children[0]), extension)
      }
    }
  })

  test('in an answer of a client reaches who asked as it is', async () => {
    const [client, target] = [await quiet(), await quiet()]
    const answer = client.request(`<iq type="get" to="${target.jid}"><query xmlns="urn:any"/></iq>`)
    const { attrs } = await target.receive('iq')
    target.send(`<iq type="result" id="${attrs.id}" to="${attrs.from}"><p:query xmlns:p="urn:any" p:a="1"/></iq>`)
    assert.equal(String((await answer).children[0]), '<p:query xmlns:p="urn:any" p:a="1"/>')
  })
})

test('a stanza counts when it is complete, however slowly it comes (§8)', async () => {
  const [client, target] = [await quiet(), await quiet()]
  const stanza = `<message to="${target.jid}"><body>slow</body></message>`
  client.stream.write(stanza.slice(0, -1))
  await target.receiveNothing()
  client.stream.write('>')
  assert.equal((await target.receive('message')).getChildText('body'), 'slow')
  client.stream.write(stanza.slice(0, -1))
  client.drop()
  await target.receiveNothing()
})
