import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import type { Credentials, ScramMechanism } from '../credentials.js'
import { deriveKeys } from '../password-keys.js'
import type { SaslExchange } from '../sasl-mechanism.js'
import { SCRAM_HASH, scramMechanism } from './scram.js'

function credentials(salt: string, password = 'pencil'): Credentials {
  return {
    scramKeys: (username, mechanism) => deriveKeys(mechanism, username === '' ? 'nobody' : password, Buffer.from(salt, 'base64'), 4096),
    verifyPassword: async () => false,
    isDisabled: async () => false,
  }
}

const SALT = 'QSXCR+Q6sek8bf92'
const start = (name: ScramMechanism = 'SCRAM-SHA-1', nonce = '3rfcNHYJY1ZVvWVs7j', salt = SALT): SaslExchange =>
  scramMechanism(name, () => nonce).start({ domain: 'example.org', credentials: credentials(salt) })

async function say(exchange: SaslExchange, text: string): Promise<string> {
  const step = await exchange.respond(Buffer.from(text))
  return step.data?.toString() ?? ''
}

function finalMessage(
  first: string,
  challenge: string,
  { mechanism = 'SCRAM-SHA-1' as ScramMechanism, binding = 'biws', extension = '' } = {},
): string {
  const hash = SCRAM_HASH[mechanism]
  const salted = pbkdf2Sync('pencil', Buffer.from(SALT, 'base64'), 4096, hash === 'sha1' ? 20 : 32, hash)
  const clientKey = createHmac(hash, salted).update('Client Key').digest()
  const withoutProof = `c=${binding},${challenge.split(',')[0]}${extension}`
  const signature = createHmac(hash, createHash(hash).update(clientKey).digest()).update(`${first},${challenge},${withoutProof}`).digest()
  return `${withoutProof},p=${Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))).toString('base64')}`
}

test('SCRAM-SHA-1 answers the exchange of RFC 5802 section 5 as published', async () => {
  const exchange = start()
  assert.equal(await say(exchange, 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL'), 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096')
  const step = await exchange.respond(Buffer.from('c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts='))
  assert.deepEqual(step, { kind: 'success', username: 'user', data: Buffer.from('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=') })
})

test('SCRAM-SHA-256 answers the exchange of RFC 7677 section 3 as published', async () => {
  const exchange = start('SCRAM-SHA-256', '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', 'W22ZaJ0SNY7soEsUEjb6gQ==')
  assert.equal(
    await say(exchange, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'),
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  )
  const final = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
  const step = await exchange.respond(Buffer.from(final))
  assert.deepEqual(step, { kind: 'success', username: 'user', data: Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=') })
})

test('without an initial response the server asks for it with an empty challenge', async () => {
  const exchange = start()
  assert.deepEqual(await exchange.respond(undefined), { kind: 'challenge', data: Buffer.alloc(0) })
  assert.match(await say(exchange, 'n,,n=user,r=abc'), /^r=abc3rfc/)
})

test('the username is prepared, the escapes of a name are undone', async () => {
  const exchange = start()
  await say(exchange, 'n,,n=A=3Db=2Cc,r=abc')
  assert.equal(exchange.username, 'a=b,c')
})

test('a client that could bind but saw no -PLUS, names its own bare JID and adds extensions logs in', async () => {
  const exchange = start()
  const challenge = await say(exchange, 'y,a=User@example.org,n=user,r=abc,x=ignored')
  const binding = Buffer.from('y,a=User@example.org,').toString('base64')
  const final = finalMessage('n=user,r=abc,x=ignored', challenge, { binding, extension: ',y=ignored' })
  assert.match(await say(exchange, final), /^v=/)
})

const REFUSED_FIRST: readonly (readonly [string, string])[] = [
  ['', 'malformed-request'],
  ['n', 'malformed-request'],
  ['n,,', 'malformed-request'],
  ['x,,n=user,r=abc', 'malformed-request'],
  ['p=,,n=user,r=abc', 'malformed-request'],
  ['p=tls-unique,,n=user,r=abc', 'not-authorized'],
  ['n,,m=must,n=user,r=abc', 'not-authorized'],
  ['n,user,n=user,r=abc', 'malformed-request'],
  ['n,a=other@example.org,n=user,r=abc', 'invalid-authzid'],
  ['n,a=user@example.org/here,n=user,r=abc', 'invalid-authzid'],
  ['n,a=@@,n=user,r=abc', 'invalid-authzid'],
  ['n,,n=,r=abc', 'malformed-request'],
  ['n,,n=us=er,r=abc', 'malformed-request'],
  ['n,,n=us=2cer,r=abc', 'malformed-request'],
  ['n,,n=us\0er,r=abc', 'malformed-request'],
  ['n,,n=user', 'malformed-request'],
  ['n,,n=user,r=', 'malformed-request'],
  ['n,,n=user,r=a b', 'malformed-request'],
  ['n,,n=user,r=ä', 'malformed-request'],
  ['n,,n=user,r=abc,', 'malformed-request'],
  ['n,,r=abc,n=user', 'malformed-request'],
]
for (const [message, condition] of REFUSED_FIRST) {
  test(`the first message ${JSON.stringify(message)} is refused as ${condition}`, async () => {
    await assert.rejects(say(start(), message), { condition })
  })
}

test('text that is not UTF-8 is malformed', async () => {
  await assert.rejects(start().respond(Buffer.from([0x6e, 0xff])), { condition: 'malformed-request' })
})

const REFUSED_FINAL: readonly (readonly [string, (right: string) => string, string])[] = [
  ['a wrong proof', (right) => right.replace(/p=./, (p) => (p === 'p=A' ? 'p=B' : 'p=A')), 'not-authorized'],
  ['a proof of another length', (right) => right.replace(/p=.*/, 'p=AAAA'), 'malformed-request'],
  ['a proof that is not base64', (right) => right.replace(/p=.*/, 'p=!!!!'), 'malformed-request'],
  ['no proof', (right) => right.replace(/,p=.*/, ''), 'malformed-request'],
  ['only the client part of the nonce', (right) => right.replace(/r=[^,]*/, 'r=abc'), 'not-authorized'],
  ['another channel binding header', (right) => right.replace('c=biws', 'c=eSws'), 'not-authorized'],
  ['an empty message', () => '', 'malformed-request'],
]
for (const [what, spoil, condition] of REFUSED_FINAL) {
  test(`a final message with ${what} is refused as ${condition}`, async () => {
    const exchange = start()
    const challenge = await say(exchange, 'n,,n=user,r=abc')
    await assert.rejects(say(exchange, spoil(finalMessage('n=user,r=abc', challenge))), { condition })
  })
}

test('a name that cannot be prepared goes through the whole exchange and is not authorized', async () => {
  const exchange = start()
  const challenge = await say(exchange, 'n,,n=a@b,r=abc')
  assert.match(challenge, /^r=abc3rfc.*,s=.*,i=4096$/)
  await assert.rejects(say(exchange, finalMessage('n=a@b,r=abc', challenge)), { condition: 'not-authorized' })
})

test('each exchange has a nonce of its own', async () => {
  const mechanism = scramMechanism('SCRAM-SHA-1')
  const challenges = await Promise.all(
    [1, 2].map(() => say(mechanism.start({ domain: 'example.org', credentials: credentials(SALT) }), 'n,,n=user,r=abc')),
  )
  assert.notEqual(challenges[0], challenges[1])
})
