/** RFC 7622: addresses, as a server enforces them on what clients send. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseElement } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import { openStage } from './support/stage.js'

const stage = await openStage({ plugins: [ping, roster, presence] })
const client = await stage.login({ available: false })

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const MALFORMED: readonly (readonly [string, string])[] = [
  ['an empty localpart (§3.3)', '@test'],
  ['an empty domainpart (§3.2)', 'juliet@'],
  ['an empty resourcepart (§3.4)', 'juliet@test/'],
  ['a localpart and a resourcepart of nothing (§3.5, 19)', '@example.com/'],
  ['no domainpart at all (§3.5, 23)', '/foobar'],
  ['nothing', ''],
  ['quotation marks in the localpart (§3.3.1)', '"juliet"@test'],
  ['an ampersand in the localpart (§3.3.1)', 'romeo&juliet@test'],
  ['an apostrophe in the localpart (§3.3.1)', "romeo'juliet@test"],
  ['a colon in the localpart (§3.3.1)', 'romeo:juliet@test'],
  ['"<" in the localpart (§3.3.1)', 'romeo<juliet@test'],
  ['">" in the localpart (§3.3.1)', 'romeo>juliet@test'],
  ['a second at sign in the localpart (§3.3.1)', 'romeo@juliet@test'],
  ['a space in the localpart (§3.5, 17)', 'foo bar@test'],
  ['a compatibility character in the localpart (§3.5, 20)', 'henryⅣ@test'],
  ['a symbol in the localpart (§3.5, 21)', '♚@test'],
  ['writing directions that are mixed in the localpart (RFC 8265 §3.3)', 'אa1\u0661@test'],
  ['a localpart of 1024 bytes (§3.3)', `${'a'.repeat(1024)}@test`],
  ['a localpart of 512 letters of two bytes (§3.3)', `${'é'.repeat(512)}@test`],
  ['a resourcepart of 1024 bytes (§3.4)', `juliet@test/${'r'.repeat(1024)}`],
  ['a control character in the resourcepart (§3.4)', 'juliet@test/\u007f'],
  ['a line separator in the resourcepart (§3.4)', 'juliet@test/a\u2028b'],
  ['a space in the domainpart (§3.2)', 'juliet@te st'],
  ['a symbol in the domainpart (§3.2.1)', 'juliet@♚.example'],
  ['an underscore in the domainpart (§3.2.1)', 'juliet@a_b.example'],
  ['an empty label in the domainpart (§3.2)', 'juliet@a..example'],
  ['a domainpart that is only a dot (§3.2)', 'juliet@.'],
  ['a label of 64 letters in the domainpart (§3.2)', `juliet@${'a'.repeat(64)}.example`],
  ['an IPv4 address out of range (§3.2)', 'juliet@256.1.1.1'],
  ['an IPv6 address without brackets (§3.2)', 'juliet@::1'],
]

describe('a stanza to an address with', () => {
  for (const [what, to] of MALFORMED) {
    test(`${what} is answered with jid-malformed, and the stream goes on (§4)`, async () => {
      for (const [kind, rest] of [
        ['message', ''],
        ['iq', 'type="get"'],
      ] as const) {
        client.send(`<${kind} id="j" ${rest} to="${escaped(to)}"><x xmlns="urn:x"/></${kind}>`)
        const error = await client.receive((el) => el.attrs.id === 'j')
        assert.deepEqual([error.attrs.type, errorCondition(error)], ['error', 'jid-malformed'])
      }
    })
  }
})

/** Well-formed addresses of other domains are recognised by that: they cannot be routed. */
const WELL_FORMED: readonly (readonly [string, string])[] = [
  ['letters, digits and marks of ASCII', 'a.b-c_d~e!#$%*+,;=?^`{|}@example.com'],
  ['an escaped space (§3.5, 5)', 'foo\\20bar@example.com'],
  ['a sharp s (§3.5, 7)', 'fußball@example.com'],
  ['a Greek letter (§3.5, 8)', 'π@example.com'],
  ['a symbol in the resourcepart (§3.5, 12)', 'king@example.com/♚'],
  ['an at sign and a slash in the resourcepart (§3.5, 4, 15)', 'a.example.com/b@example.net/c'],
  ['a domainpart alone (§3.5, 13)', 'example.com'],
  ['a localpart and a resourcepart of 1023 bytes (§3.3, §3.4)', `${'a'.repeat(1023)}@example.com/${'r'.repeat(1023)}`],
  ['an internationalised domain (§3.2.1)', 'a@bücher.example'],
  ['an IPv4 address (§3.2)', 'a@192.0.2.1'],
  ['an IPv6 address (§3.2)', 'a@[2001:db8::1]'],
]

describe('a stanza to', () => {
  for (const [what, to] of WELL_FORMED) {
    test(`${what} is well-formed (§3)`, async () => {
      client.send(`<message id="w" to="${escaped(to)}"/>`)
      const error = await client.receive('message')
      assert.deepEqual([errorCondition(error), error.attrs.from], ['remote-server-not-found', to])
    })
  }
})

describe('the same account is meant by', () => {
  const spellings: readonly (readonly [string, string, string])[] = [
    ['capitals (§3.3, RFC 8265 §3.3)', 'rené', 'RENÉ@TEST'],
    ['decomposed letters', 'renée', 'rene\u0301e@test'],
    ['fullwidth letters', 'wide', 'ｗｉｄｅ@ｔｅｓｔ'],
    ['a final dot of the domain (§3.2)', 'dotted', 'dotted@test.'],
    ['a capital sigma, which becomes no final one (§3.5, 9 and 10)', 'οδοσ', 'ΟΔΟΣ@test'],
  ]
  for (const [what, username, spelling] of spellings) {
    test(what, async () => {
      const target = await stage.server.login(username)
      client.send(`<message type="chat" to="${spelling}"><body>1</body></message>`)
      assert.equal((await target.receive('message')).getChildText('body'), '1')
    })
  }

  test('not by a sharp s and two of them, nor by a final sigma and another (§3.5, 6, 7, 10 and 11)', async () => {
    const target = await stage.server.login('fussball')
    client.send('<message id="f" type="chat" to="fußball@test"/>')
    assert.equal(errorCondition(await client.receive('message')), 'service-unavailable')
    await target.receiveNothing('message')
  })
})

test('a resourcepart is compared by every letter, in case and width too (§3.4)', async () => {
  const account = await stage.account()
  const [lower, upper] = [await stage.another(account, { resource: 'balcony' }), await stage.another(account, { resource: 'Balcony' })]
  assert.notEqual(lower.jid.toString(), upper.jid.toString())
  client.send(`<message to="${account}/Balcony"/>`)
  await upper.receive('message')
  await lower.receiveNothing('message')
})

test('an address in a payload that the server acts on is enforced too (§4)', async () => {
  const answer = await client.request('<iq type="set"><query xmlns="jabber:iq:roster"><item jid="♚@test"/></query></iq>')
  assert.equal(errorCondition(answer), 'jid-malformed')
})

test('an address in a payload between clients is their own business (§4)', async () => {
  const target = await stage.login({ available: false })
  client.send(`<message to="${target.jid}"><jingle xmlns="urn:xmpp:jingle:1" initiator="♚@@"/></message>`)
  assert.equal((await target.receive('message')).getChild('jingle')?.attrs.initiator, '♚@@')
})

test('a server of an internationalised domain is one and the same by its Unicode and by its ASCII name (§3.2.1)', async (t) => {
  const server = await startTestServer(t, { plugins: [ping], config: { domain: 'bücher.example' } })
  const romeo = await server.login('romeo', { available: false })
  assert.equal(romeo.jid.domain, 'bücher.example')
  for (const to of ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example', 'bücher.example.']) {
    const answer = await romeo.request(`<iq type="get" to="${to}"><ping xmlns="urn:xmpp:ping"/></iq>`)
    assert.equal(answer.attrs.type, 'result', to)
    const stream = await server.connect()
    await stream.open({ to })
    assert.equal(stream.header.from, 'bücher.example')
    stream.drop()
  }
})

test('a username is prepared when the account is made and when it logs in (§3.3)', async () => {
  await stage.server.accounts.create({ username: 'ＺＯË', password: 'secret' })
  const stream = await stage.server.connect()
  await stream.open()
  await stream.authenticate('SCRAM-SHA-256', 'ZOE\u0308', 'secret')
  await stream.open()
  assert.equal((await stream.bind()).local, 'zoë')
  stream.send(parseElement('<presence/>'))
})
