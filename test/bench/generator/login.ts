/** From a TCP connection to a session with presence: SASL (RFC 4616, RFC 5802), resource binding, and in-band registration. */
import { randomBytes } from 'node:crypto'
import { attributeOf, type ClientConnection } from './client-connection.js'
import type { Mechanism } from './request.js'
import { hmac, type ScramKeyCache } from './scram-keys.js'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

export interface Credentials {
  readonly password: string
  readonly mechanism: Mechanism
  readonly keys: ScramKeyCache
}

/** Resolves when a ping after the presence is answered. @throws on anything the server refuses */
export async function logIn(connection: ClientConnection, credentials: Credentials, presence = true): Promise<void> {
  await connection.connect()
  const before = await connection.openStream()
  if (!before.includes(credentials.mechanism)) throw new Error(`${credentials.mechanism} is not offered to ${connection.user}: ${before}`)
  await (credentials.mechanism === 'PLAIN' ? plain(connection, credentials) : scram(connection, credentials))
  const features = await connection.openStream()
  if (!features.includes('xmpp-bind')) throw new Error(`binding is not offered to ${connection.user}: ${features}`)
  const bound = await connection.exchange(
    `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${connection.resource}</resource></bind></iq>`,
  )
  const jid = /<jid[^>]*>([^<]*)<\/jid>/.exec(bound)?.[1]
  if (!jid) throw new Error(`binding of ${connection.user}: ${bound}`)
  connection.full = jid
  if (presence) connection.send('<presence/>')
  await connection.ping()
}

/** XEP-0077. @throws unless the account is made, or there already */
export async function register(connection: ClientConnection, password: string): Promise<void> {
  await connection.connect()
  await connection.openStream()
  const answer = await connection.exchange(
    `<iq type='set' id='register'><query xmlns='jabber:iq:register'><username>${connection.user}</username><password>${password}</password></query></iq>`,
  )
  connection.close()
  if (attributeOf(answer, 'type') !== 'result' && !answer.includes('<conflict')) throw new Error(`registering ${connection.user}: ${answer}`)
}

async function plain(connection: ClientConnection, { password }: Credentials): Promise<void> {
  const response = Buffer.from(`\0${connection.user}\0${password}`).toString('base64')
  succeed(connection, await connection.exchange(`<auth xmlns='${SASL}' mechanism='PLAIN'>${response}</auth>`))
}

async function scram(connection: ClientConnection, { password, keys }: Credentials): Promise<void> {
  const { user } = connection
  const nonce = randomBytes(12).toString('hex')
  const clientFirst = `n=${user},r=${nonce}`
  const challenge = await connection.exchange(`<auth xmlns='${SASL}' mechanism='SCRAM-SHA-1'>${base64(`n,,${clientFirst}`)}</auth>`)
  const serverFirst = textOf(challenge)
  const [, serverNonce, salt, iterations] = /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(serverFirst) ?? []
  if (!serverNonce?.startsWith(nonce) || !salt) throw new Error(`SCRAM of ${user}: ${challenge}`)
  const { clientKey, storedKey, serverKey } = keys.keysFor(user, password, salt, Number(iterations))
  const clientFinal = `c=biws,r=${serverNonce}`
  const signed = `${clientFirst},${serverFirst},${clientFinal}`
  const proof = hmac(storedKey, signed).map((byte, at) => byte ^ (clientKey[at] ?? 0))
  const response = base64(`${clientFinal},p=${Buffer.from(proof).toString('base64')}`)
  const outcome = await connection.exchange(`<response xmlns='${SASL}'>${response}</response>`)
  succeed(connection, outcome)
  if (textOf(outcome) !== `v=${hmac(serverKey, signed).toString('base64')}`) throw new Error(`SCRAM of ${user}: the server's signature is wrong`)
}

function succeed(connection: ClientConnection, outcome: string): void {
  if (!outcome.startsWith('<success')) throw new Error(`SASL of ${connection.user}: ${outcome}`)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The decoded content of a SASL element; empty when it has none. */
function textOf(element: string): string {
  const start = element.indexOf('>') + 1
  const end = element.lastIndexOf('</')
  return end > start ? Buffer.from(element.slice(start, end), 'base64').toString('latin1') : ''
}
