import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Logger, parseElement } from '@beaconfire/plugin-sdk'
import type { Credentials } from './credentials.js'
import { plain } from './mechanisms/plain.js'
import { scramSha1 } from './mechanisms/scram-sha-1.js'
import { scramSha256 } from './mechanisms/scram-sha-256.js'
import { mechanismsFeature, offeredMechanisms, type SaslOutcome, SaslSession } from './sasl-session.js'

const MECHANISMS = [scramSha256, scramSha1, plain]

function session({ mayRevealPassword = true, ...overrides }: Partial<Credentials> & { mayRevealPassword?: boolean } = {}) {
  const errors: object[] = []
  const asked: string[] = []
  const credentials: Credentials = {
    scramKeys: async () => ({ salt: Buffer.alloc(24), iterations: 4096, storedKey: Buffer.alloc(20), serverKey: Buffer.alloc(20) }),
    async verifyPassword(username, password) {
      asked.push(username)
      return username === 'alice' && password === 'secret'
    },
    isDisabled: async () => false,
    ...overrides,
  }
  const log = { error: (fields: object) => void errors.push(fields) } as unknown as Logger
  const sasl = new SaslSession({ mechanisms: MECHANISMS, environment: { domain: 'example.org', credentials }, mayRevealPassword, log })
  const handle = (xml: string): Promise<SaslOutcome> => sasl.handle(parseElement(xml, 'urn:ietf:params:xml:ns:xmpp-sasl'))
  return { handle, errors, asked }
}

const auth = (mechanism: string, text: string) => `<auth mechanism='${mechanism}'>${text}</auth>`
const plainAuth = (message: string) => auth('PLAIN', Buffer.from(message).toString('base64'))

test('the feature offers the strongest mechanism first, PLAIN only where passwords may be revealed', () => {
  const offered = (mayReveal: boolean) => mechanismsFeature(offeredMechanisms(MECHANISMS, mayReveal, {}))
  const strong = '<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism>'
  assert.equal(offered(true), `<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">${strong}<mechanism>PLAIN</mechanism></mechanisms>`)
  assert.equal(offered(false), `<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">${strong}</mechanisms>`)
})

test('PLAIN with the right password succeeds', async () => {
  const { handle } = session()
  const outcome = await handle(plainAuth('\0Alice\0secret'))
  assert.deepEqual(outcome.authenticated, { username: 'alice', mechanism: 'PLAIN', isAnonymous: false })
  assert.equal(outcome.reply.toString(), '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
})

test('PLAIN without an initial response is asked for it', async () => {
  const { handle } = session()
  const outcome = await handle(auth('PLAIN', ''))
  assert.equal(outcome.reply.toString(), '<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  const response = Buffer.from('alice@example.org\0alice\0secret').toString('base64')
  assert.equal((await handle(`<response>${response}</response>`)).authenticated?.username, 'alice')
})

test('unknown user, wrong password and a name that is none are answered alike, after the same work', async () => {
  const { handle, asked } = session()
  for (const message of ['\0nobody\0secret', '\0alice\0wrong', '\0a@b\0secret']) {
    const outcome = await handle(plainAuth(message))
    assert.equal(outcome.reply.toString(), '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>')
    assert.equal(outcome.failed, 'not-authorized')
  }
  assert.deepEqual(asked, ['nobody', 'alice', ''])
})

const REFUSED: readonly (readonly [string, string, string])[] = [
  ['an unknown mechanism', auth('CRAM-MD5', ''), 'invalid-mechanism'],
  ['no mechanism', '<auth/>', 'invalid-mechanism'],
  ['bad base64', auth('PLAIN', 'AGFs!!!!'), 'incorrect-encoding'],
  ['base64 without its padding', auth('PLAIN', 'AGFsaWNlAHNlY3JldA'), 'incorrect-encoding'],
  ['base64 with white space', auth('PLAIN', ' AGFsaWNlAHNlY3JldA=='), 'incorrect-encoding'],
  ['an element inside', auth('PLAIN', '<x/>'), 'malformed-request'],
  ['too much text', auth('PLAIN', 'A'.repeat(8196)), 'malformed-request'],
  ['an empty initial response', auth('PLAIN', '='), 'malformed-request'],
  ['PLAIN with one NUL', plainAuth('alice\0secret'), 'malformed-request'],
  ['PLAIN with three NULs', plainAuth('\0alice\0secret\0'), 'malformed-request'],
  ['PLAIN without a name', plainAuth('\0\0secret'), 'malformed-request'],
  ['PLAIN without a password', plainAuth('\0alice\0'), 'malformed-request'],
  ['PLAIN for another', plainAuth('bob@example.org\0alice\0secret'), 'invalid-authzid'],
  ['PLAIN that is not UTF-8', auth('PLAIN', Buffer.from([0, 0xff, 0, 0x61]).toString('base64')), 'malformed-request'],
  ['a response without an exchange', '<response/>', 'malformed-request'],
  ['an abort', '<abort/>', 'aborted'],
  ['an unknown element', '<success/>', 'malformed-request'],
]
for (const [what, xml, condition] of REFUSED) {
  test(`${what} is answered with ${condition}, after which the client may log in`, async () => {
    const { handle } = session()
    const outcome = await handle(xml)
    assert.equal(outcome.failed, condition)
    assert.ok(outcome.reply.getChild(condition))
    assert.ok((await handle(plainAuth('\0alice\0secret'))).authenticated)
  })
}

test('a mechanism that reveals the password is refused outside TLS', async () => {
  const { handle, asked } = session({ mayRevealPassword: false })
  assert.equal((await handle(plainAuth('\0alice\0secret'))).failed, 'encryption-required')
  assert.deepEqual(asked, [])
})

test('a second auth in mid-exchange takes the place of the first (RFC 6120 §6.4.2)', async () => {
  const { handle } = session()
  await handle(auth('PLAIN', ''))
  assert.equal((await handle(plainAuth('\0alice\0wrong'))).failed, 'not-authorized')
  assert.equal((await handle('<response/>')).failed, 'malformed-request')
})

test('elements that come while one is being answered are answered in order', async () => {
  const { handle } = session()
  const outcomes = await Promise.all([handle(auth('PLAIN', '')), handle('<abort/>'), handle(plainAuth('\0alice\0secret')), handle('<abort/>')])
  assert.deepEqual(
    outcomes.map(({ reply }) => reply.name),
    ['challenge', 'failure', 'success', 'failure'],
  )
})

test('a disabled account is named as such only to who has its password', async () => {
  const { handle } = session({ isDisabled: async () => true })
  assert.equal((await handle(plainAuth('\0alice\0wrong'))).failed, 'not-authorized')
  assert.equal((await handle(plainAuth('\0alice\0secret'))).failed, 'account-disabled')
})

test('when the store does not answer the failure is temporary and logged once', async () => {
  const { handle, errors } = session({ verifyPassword: () => Promise.reject(new Error('away')) })
  const outcome = await handle(plainAuth('\0alice\0secret'))
  assert.equal(outcome.failed, 'temporary-auth-failure')
  assert.deepEqual(errors, [{ err: new Error('away'), mechanism: 'PLAIN', username: 'alice' }])
})

test('a failure tells which name was tried', async () => {
  const { handle } = session()
  assert.equal((await handle(plainAuth('\0Bob\0x'))).username, 'bob')
})
