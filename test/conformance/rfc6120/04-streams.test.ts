/** RFC 6120 §4: XML streams, their headers, restarts, errors and ends. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import ping from '../../../plugins/ping/index.js'
import { openStage } from '../support/stage.js'

const stage = await openStage({ plugins: [ping] })
const { server } = stage

const HEADER = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
const opening = (attributes: string) => `<?xml version='1.0'?><stream:stream ${attributes}>`

describe('the response header', () => {
  test('has from, id, version and xml:lang, and no "to" for a client that did not say who it is (§4.7)', async () => {
    const stream = await server.connect()
    await stream.open({ 'xml:lang': undefined })
    const { from, id, version, to, 'xml:lang': lang } = stream.header
    assert.deepEqual([from, version, to, lang, Boolean(id)], ['test', '1.0', undefined, 'en', true])
  })

  test('has the bare JID the client said it is as "to" (§4.7.2)', async () => {
    const stream = await server.connect()
    await stream.open({ from: 'Romeo@test/orchard' })
    assert.equal(stream.header.to, 'romeo@test')
  })

  test('has an id that is never used again, whatever id the client sent (§4.7.3)', async () => {
    const ids = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const stream = await server.connect()
      await stream.open({ id: 'mine' })
      ids.add(String(stream.header.id))
    }
    assert.deepEqual([ids.size, ids.has('mine')], [5, false])
    for (const id of ids) assert.ok(id.length >= 16, 'it cannot be guessed')
  })

  test('names the language of the server where the language of the client is not spoken here (§4.7.4)', async () => {
    const stream = await server.connect()
    await stream.open({ 'xml:lang': 'de-CH' })
    assert.equal(stream.header['xml:lang'], 'en')
  })

  test('says version 1.0 to clients of later versions (§4.7.5)', async () => {
    for (const version of ['1.0', '1.1', '1.13']) {
      const stream = await server.connect()
      await stream.open({ version })
      assert.equal(stream.header.version, '1.0', version)
    }
  })

  test('comes after an XML declaration, with the stream namespace and the content namespace of the client (§4.8, §11.5)', async () => {
    const stream = await server.connect()
    await stream.open()
    assert.deepEqual([stream.header.xmlns, stream.header['xmlns:stream']], [NS.client, NS.streams])
  })

  for (const to of ['test', 'TEST', 'test.', undefined]) {
    test(`is given to a client that opens the stream to ${to === undefined ? 'nobody' : `"${to}"`} (§4.7.2, RFC 7622 §3.2)`, async () => {
      const stream = await server.connect()
      await stream.open({ to })
      assert.equal(stream.header.from, 'test')
    })
  }
})

describe('a restart', () => {
  test('after STARTTLS and after SASL gives a new stream id and new features, without closing anything (§4.3.3, §4.3.4)', async () => {
    const { local } = await stage.account()
    const stream = await server.connect()
    const ids = new Set<string | undefined>()
    const features = [await stream.open()]
    ids.add(stream.header.id)
    await stream.startTls()
    features.push(await stream.open())
    ids.add(stream.header.id)
    await stream.authenticate('PLAIN', local, local)
    features.push(await stream.open())
    ids.add(stream.header.id)
    assert.equal(ids.size, 3)
    const has = (name: string) => features.map((it) => it.getChild(name) !== undefined)
    assert.deepEqual(
      [has('starttls'), has('mechanisms'), has('bind')],
      [
        [true, false, false],
        [true, true, false],
        [false, false, true],
      ],
    )
    await stream.bind()
  })
})

describe('a stream header', () => {
  const refusals: [string, string, string][] = [
    ['in another namespace (§4.8.1)', opening(`xmlns='jabber:client' xmlns:stream='urn:other' to='test' version='1.0'`), 'invalid-namespace'],
    [
      'with a content namespace that is not for clients (§4.8.2)',
      opening(`xmlns='jabber:nothing' xmlns:stream='${NS.streams}' to='test' version='1.0'`),
      'invalid-namespace',
    ],
    ['of another name (§4.9.3.1)', `<stream:river ${HEADER} to='test' version='1.0'>`, 'bad-format'],
    ['to a domain that is not served here (§4.9.3.6)', opening(`${HEADER} to='elsewhere' version='1.0'`), 'host-unknown'],
    ['without a version (§4.7.5)', opening(`${HEADER} to='test'`), 'unsupported-version'],
    ['of a version before 1.0 (§4.7.5)', opening(`${HEADER} to='test' version='0.9'`), 'unsupported-version'],
    ['of a version that is none (§4.7.5)', opening(`${HEADER} to='test' version='one'`), 'unsupported-version'],
  ]
  for (const [what, xml, condition] of refusals) {
    test(`${what} is answered with a header, ${condition} and the end of the stream (§4.9.1.2)`, async () => {
      const stream = await server.connect()
      stream.write(xml)
      assert.deepEqual(await stream.closed, { error: condition })
      assert.deepEqual([stream.header.from, stream.header.version], ['test', '1.0'], 'from a name that is served here (§4.9.1.3)')
    })
  }

  test('may ignore leading zeros of its version (§4.7.5)', async () => {
    const stream = await server.connect()
    await stream.open({ version: '01.00' })
    assert.equal(stream.header.version, '1.0')
  })
})

describe('a stream error', () => {
  test('has its condition in the namespace of stream errors, and text with its language (§4.9.2)', async () => {
    const client = await stage.login({ available: false })
    client.stream.write(`<message><body>${'x'.repeat(300_000)}</body></message>`)
    await client.closed
    const error = client.received.find((el) => el.getName() === 'error')
    assert.ok(error && findChild(error, 'policy-violation', NS.streamErrors))
    const text = findChild(error, 'text', NS.streamErrors)
    if (text) assert.equal(text.attrs['xml:lang'], 'en')
  })

  const faults: [string, string, readonly string[]][] = [
    ['a stanza in the namespace of servers (§4.8.3)', '<message xmlns="jabber:server" to="a@test"/>', ['invalid-namespace']],
    ['an element of another namespace, which is not routed (§4.8.4)', "<nonsense xmlns='urn:x' to='a@test'/>", ['unsupported-stanza-type']],
    ['an element of an unknown name (§4.9.3.24)', '<nonsense/>', ['unsupported-stanza-type']],
    ['text between stanzas (§4.9.3.1)', 'hello', ['not-well-formed', 'bad-format', 'invalid-xml']],
    ['a stanza that speaks for another (§4.9.3.9)', '<message from="juliet@test" to="juliet@test"/>', ['invalid-from']],
    ['a stanza that is too long (§4.9.3.14)', `<message><body>${'x'.repeat(300_000)}</body></message>`, ['policy-violation']],
    ['a stanza that is too deep (§4.9.3.14)', `<message>${'<a>'.repeat(100)}${'</a>'.repeat(100)}</message>`, ['policy-violation']],
  ]
  for (const [what, xml, conditions] of faults) {
    test(`ends the stream of who sent ${what}, with ${conditions[0]}, and no other stream`, async () => {
      const [healthy, hostile] = [await stage.login({ available: false }), await stage.login({ available: false })]
      hostile.stream.write(xml)
      const { error } = await hostile.closed
      assert.ok(conditions.includes(error ?? ''), `was ${error}`)
      await healthy.sync()
    })
  }

  test('comes after all that was said before it was handled (§4.9.1.1)', async () => {
    const [client, target] = [await stage.login({ available: false }), await stage.login({ available: false })]
    client.stream.write(
      `<message to="${target.jid}"><body>before</body></message><nonsense/><message to="${target.jid}"><body>after</body></message>`,
    )
    await client.closed
    assert.equal((await target.receive('message')).getChildText('body'), 'before')
    await target.receiveNothing('message')
  })

  test('not-authorized ends the stream of who sends a stanza before negotiation is complete; nothing of it is processed (§4.3.5, §4.9.3.12)', async () => {
    const target = await stage.login({ available: false })
    for (const stanza of [`<message to="${target.jid}"><body>1</body></message>`, '<presence/>']) {
      const unauthenticated = await server.connect()
      await unauthenticated.open()
      unauthenticated.write(stanza)
      assert.equal((await unauthenticated.closed).error, 'not-authorized')
      const unbound = await stage.authenticated()
      unbound.write(stanza)
      assert.equal((await unbound.closed).error, 'not-authorized')
    }
    await target.receiveNothing()
  })
})

describe('silence and white space', () => {
  test('between stanzas keeps a connection alive and is no fault (§4.6.1)', async () => {
    const client = await stage.login({ available: false })
    for (const space of [' ', '\n', '\r\n\t ', ' '.repeat(2000)]) client.stream.write(space)
    await client.sync()
  })

  test('of a peer that does not log in ends with connection-timeout (§4.9.3.4)', async (t) => {
    const impatient = await startTestServer(t, { plugins: [], config: { limits: { enabled: false, preAuthenticationSeconds: 1 } } })
    const stream = await impatient.connect()
    assert.equal((await stream.closed).error, 'connection-timeout')
  })

  test('too many bytes before logging in end the stream with policy-violation (§4.9.3.14)', async (t) => {
    const strict = await startTestServer(t, { plugins: [], config: { limits: { enabled: false, preAuthenticationBytes: 10_000 } } })
    const stream = await strict.connect()
    await stream.open()
    for (let i = 0; i < 30; i++) stream.write(`<iq type="get" id="${i}"><query xmlns="jabber:iq:register">${'<x/>'.repeat(100)}</query></iq>`)
    assert.equal((await stream.closed).error, 'policy-violation')
  })
})

describe('the end of a stream', () => {
  test('is answered with the end of the other direction and of the connection (§4.4)', async () => {
    const client = await stage.login({ available: false })
    assert.deepEqual(await client.close(), {})
  })

  test('comes after what was sent before it has been handled (§4.4)', async () => {
    const [client, target] = [await stage.login({ available: false }), await stage.login({ available: false })]
    client.stream.write(`<message to="${target.jid}"><body>last words</body></message></stream:stream>`)
    assert.deepEqual(await client.closed, {})
    assert.equal((await target.receive('message')).getChildText('body'), 'last words')
  })

  test('in the middle of negotiation harms nobody', async () => {
    const stream = await server.connect()
    await stream.open()
    stream.write('</stream:stream>')
    assert.deepEqual(await stream.closed, {})
    await (await stage.login({ available: false })).sync()
  })

  test('by the end of the server says system-shutdown (§4.9.3.20)', async (t) => {
    const other = await startTestServer(t, { plugins: [] })
    const client = await other.login('romeo', { available: false })
    await other.stop()
    assert.equal((await client.closed).error, 'system-shutdown')
  })
})
