/** SCRAM, server side (RFC 5802 with RFC 7677 for SHA-256), without channel binding. One exchange per object. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ScramKeys, ScramMechanism } from '../credentials.js'
import { assertOwnAuthzid, decodeBase64, NOBODY, prepareUsername, saslText } from '../sasl-identity.js'
import { type SaslEnvironment, type SaslExchange, SaslFailure, type SaslMechanism, type SaslStep } from '../sasl-mechanism.js'

/** Node's names of the hashes. */
export const SCRAM_HASH = { 'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256' } as const satisfies Record<ScramMechanism, string>

const NONCE_BYTES = 18
/** RFC 5802 §7: any printable ASCII but the comma. */
const NONCE = /^[!-+\--~]+$/
const CHANNEL_BINDING_NAME = /^p=[A-Za-z0-9.-]+$/
/** `attr-val`: extensions are allowed and, being optional, ignored. */
const EXTENSION = /^[A-Za-z]=[^\0,]+$/
const BAD_ESCAPE = /=(?!2C|3D)/

/** @param nonce the server's part, for tests against published vectors; random unless given */
export function scramMechanism(name: ScramMechanism, nonce = () => randomBytes(NONCE_BYTES).toString('base64')): SaslMechanism {
  return { name, revealsPassword: false, start: (environment) => new ScramExchange(name, environment, nonce()) }
}

interface ClientFirst {
  readonly gs2Header: string
  readonly bare: string
  readonly authzid: string
  readonly name: string
  readonly nonce: string
}

/** What the server remembers between its challenge and the client's proof. */
interface Challenged {
  readonly first: ClientFirst
  readonly nonce: string
  readonly serverFirst: string
  readonly keys: ScramKeys
}

class ScramExchange implements SaslExchange {
  username: string | undefined
  readonly #mechanism: ScramMechanism
  readonly #environment: SaslEnvironment
  readonly #serverNonce: string
  #challenged: Challenged | undefined

  constructor(mechanism: ScramMechanism, environment: SaslEnvironment, serverNonce: string) {
    this.#mechanism = mechanism
    this.#environment = environment
    this.#serverNonce = serverNonce
  }

  async respond(data: Buffer | undefined): Promise<SaslStep> {
    if (this.#challenged) return this.#finish(this.#challenged, saslText(data ?? Buffer.alloc(0)))
    if (data === undefined) return { kind: 'challenge', data: Buffer.alloc(0) } // RFC 4422 §5: the client speaks first
    return this.#challenge(parseClientFirst(saslText(data)))
  }

  async #challenge(first: ClientFirst): Promise<SaslStep> {
    const { domain, credentials } = this.#environment
    this.username = prepareUsername(first.name, domain)
    assertOwnAuthzid(first.authzid, this.username, domain)
    const keys = await credentials.scramKeys(this.username ?? NOBODY, this.#mechanism)
    const nonce = first.nonce + this.#serverNonce
    const serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`
    this.#challenged = { first, nonce, serverFirst, keys }
    return { kind: 'challenge', data: Buffer.from(serverFirst) }
  }

  #finish({ first, nonce, serverFirst, keys }: Challenged, text: string): SaslStep {
    const final = parseClientFinal(text)
    if (final.nonce !== nonce) throw new SaslFailure('not-authorized', 'the nonce differs')
    if (final.channelBinding !== Buffer.from(first.gs2Header).toString('base64')) throw new SaslFailure('not-authorized', 'channel binding differs')
    if (final.proof.length !== keys.storedKey.length) throw new SaslFailure('malformed-request', 'the proof has the wrong length')

    const hash = SCRAM_HASH[this.#mechanism]
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
    const clientKey = xor(final.proof, createHmac(hash, keys.storedKey).update(authMessage).digest())
    const proven = timingSafeEqual(createHash(hash).update(clientKey).digest(), keys.storedKey)
    if (!proven || this.username === undefined) throw new SaslFailure('not-authorized')
    const signature = createHmac(hash, keys.serverKey).update(authMessage).digest('base64')
    return { kind: 'success', username: this.username, data: Buffer.from(`v=${signature}`) }
  }
}

/** `gs2-cbind-flag "," [authzid] "," [reserved-mext ","] username "," nonce ["," extensions]` */
function parseClientFirst(text: string): ClientFirst {
  const [flag = '', authzid, name, nonce, ...extensions] = text.split(',')
  assertChannelBindingFlag(flag)
  if (authzid === undefined || name === undefined) throw malformed()
  if (name.startsWith('m=')) throw new SaslFailure('not-authorized', 'mandatory extensions are not supported') // RFC 5802 §5.1
  if (nonce === undefined) throw malformed()
  const random = attributeValue(nonce, 'r')
  if (!NONCE.test(random) || !extensions.every((part) => EXTENSION.test(part))) throw malformed()
  const gs2Header = `${flag},${authzid},`
  return {
    gs2Header,
    bare: text.slice(gs2Header.length),
    authzid: authzid === '' ? '' : saslName(attributeValue(authzid, 'a')),
    name: saslName(attributeValue(name, 'n')),
    nonce: random,
  }
}

/** RFC 5802 §6: `y` says the client could bind but saw no -PLUS, which is the truth here; `p` asks for what is not there. */
function assertChannelBindingFlag(flag: string): void {
  if (flag === 'n' || flag === 'y') return
  if (CHANNEL_BINDING_NAME.test(flag)) throw new SaslFailure('not-authorized', 'channel binding is not supported')
  throw malformed()
}

/** `channel-binding "," nonce ["," extensions] "," proof` */
function parseClientFinal(text: string) {
  const proofStart = text.lastIndexOf(',')
  const withoutProof = text.slice(0, Math.max(proofStart, 0))
  const [channelBinding, nonce, ...extensions] = withoutProof.split(',')
  if (channelBinding === undefined || nonce === undefined) throw malformed()
  const binding = attributeValue(channelBinding, 'c')
  const proof = decodeBase64(attributeValue(text.slice(proofStart + 1), 'p'))
  if (!proof || !decodeBase64(binding) || !extensions.every((part) => EXTENSION.test(part))) throw malformed()
  return { withoutProof, channelBinding: binding, nonce: attributeValue(nonce, 'r'), proof }
}

function attributeValue(attribute: string, letter: string): string {
  if (!attribute.startsWith(`${letter}=`) || attribute.length === 2) throw malformed()
  return attribute.slice(2)
}

function saslName(encoded: string): string {
  if (encoded.includes('\0') || BAD_ESCAPE.test(encoded)) throw malformed()
  return encoded.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function malformed(): SaslFailure {
  return new SaslFailure('malformed-request', 'not a SCRAM message (RFC 5802 §7)')
}

/** Both are as long as the hash. */
function xor(left: Buffer, right: Buffer): Buffer {
  const out = Buffer.alloc(left.length)
  for (let i = 0; i < left.length; i++) out[i] = (left[i] ?? 0) ^ (right[i] ?? 0)
  return out
}
