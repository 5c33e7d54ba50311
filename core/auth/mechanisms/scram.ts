/** SCRAM, server side (RFC 5802 with RFC 7677 for SHA-256), with channel binding in its -PLUS form. One exchange per object. */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { ScramKeys, ScramMechanism } from '../credentials.js'
import { assertOwnAuthzid, decodeBase64, NOBODY, prepareUsername, saslText } from '../sasl-identity.js'
import { ChannelBindingFailure, type SaslEnvironment, type SaslExchange, SaslFailure, type SaslMechanism, type SaslStep } from '../sasl-mechanism.js'

/** Node's names of the hashes. */
export const SCRAM_HASH = { 'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256' } as const satisfies Record<ScramMechanism, string>

/** RFC 5802 §7: any printable ASCII but the comma. */
const NONCE = /^[!-+\--~]+$/
const CHANNEL_BINDING_NAME = /^p=[A-Za-z0-9.-]{1,100}$/
const NO_BINDING = Buffer.alloc(0)
/** `attr-val`: extensions are allowed and, being optional, ignored. */
const EXTENSION = /^[A-Za-z]=[^\0,]+$/
const BAD_ESCAPE = /=(?!2C|3D)/

/** @param nonce the server's part, for tests against published vectors; random unless given: 122 bits, of which Node makes many at a time */
export function scramMechanism(name: ScramMechanism, nonce: () => string = randomUUID): SaslMechanism {
  return { name, revealsPassword: false, start: (environment) => new ScramExchange(name, environment, nonce(), unboundData) }
}

/** The -PLUS form: the client proves that it speaks on the connection this server ends. */
export function scramPlusMechanism(name: ScramMechanism, nonce: () => string = randomUUID): SaslMechanism {
  return {
    name: `${name}-PLUS`,
    revealsPassword: false,
    refusal: ({ channelBinding, isSecure }) => (channelBinding ? undefined : isSecure ? 'invalid-mechanism' : 'encryption-required'),
    start: (environment) => new ScramExchange(name, environment, nonce(), boundData),
  }
}

interface ClientFirst {
  readonly gs2Header: string
  /** `n`, `y` or `p=` with a type. */
  readonly flag: string
  readonly bare: string
  readonly authzid: string
  readonly name: string
  readonly nonce: string
}

/** What the server remembers between its challenge and the client's proof. */
interface Challenged {
  readonly first: ClientFirst
  /** What the client's part must be bound to; empty without channel binding. */
  readonly binding: Buffer
  readonly nonce: string
  readonly serverFirst: string
  readonly keys: ScramKeys
}

class ScramExchange implements SaslExchange {
  username: string | undefined
  readonly #mechanism: ScramMechanism
  readonly #environment: SaslEnvironment
  readonly #serverNonce: string
  readonly #bindingOf: BindingOf
  #challenged: Challenged | undefined

  constructor(mechanism: ScramMechanism, environment: SaslEnvironment, serverNonce: string, bindingOf: BindingOf) {
    this.#mechanism = mechanism
    this.#environment = environment
    this.#serverNonce = serverNonce
    this.#bindingOf = bindingOf
  }

  async respond(data: Buffer | undefined): Promise<SaslStep> {
    if (this.#challenged) return this.#finish(this.#challenged, saslText(data ?? Buffer.alloc(0)))
    if (data === undefined) return { kind: 'challenge', data: Buffer.alloc(0) } // RFC 4422 §5: the client speaks first
    return this.#challenge(parseClientFirst(saslText(data)))
  }

  async #challenge(first: ClientFirst): Promise<SaslStep> {
    const { domain, credentials } = this.#environment
    const binding = this.#bindingOf(first.flag, this.#environment)
    this.username = prepareUsername(first.name, domain)
    assertOwnAuthzid(first.authzid, this.username, domain)
    const keys = await credentials.scramKeys(this.username ?? NOBODY, this.#mechanism)
    const nonce = first.nonce + this.#serverNonce
    const serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`
    this.#challenged = { first, binding, nonce, serverFirst, keys }
    return { kind: 'challenge', data: Buffer.from(serverFirst) }
  }

  #finish({ first, binding, nonce, serverFirst, keys }: Challenged, text: string): SaslStep {
    const final = parseClientFinal(text)
    if (final.nonce !== nonce) throw new SaslFailure('not-authorized', 'the nonce differs')
    if (final.channelBinding !== bindingInput(first.gs2Header, binding)) throw new ChannelBindingFailure('channel-bindings-dont-match')
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

/** What the client's flag asks to be bound to (RFC 5802 §6). @throws SaslFailure */
type BindingOf = (flag: string, environment: SaslEnvironment) => Buffer

/** `y` says that the client could bind but saw no offer to: where there was one, somebody between has taken it out. */
const unboundData: BindingOf = (flag, { channelBinding }) => {
  if (flag === 'y' && channelBinding) throw new ChannelBindingFailure('server-does-support-channel-binding')
  if (flag === 'n' || flag === 'y') return NO_BINDING
  throw new ChannelBindingFailure('channel-binding-not-supported') // by this mechanism
}

const boundData: BindingOf = (flag, { channelBinding }) => {
  // Some clients take the -PLUS mechanism and bind to nothing (npm's stanza): no less than they could have without it.
  if (flag === 'n') return NO_BINDING
  if (flag === 'y') throw new ChannelBindingFailure('server-does-support-channel-binding')
  const data = channelBinding?.data(flag.slice(2))
  if (!data) throw new ChannelBindingFailure('unsupported-channel-binding-type')
  return data
}

/** `cbind-input`, as it comes in the client's last message. */
function bindingInput(gs2Header: string, binding: Buffer): string {
  if (gs2Header === 'n,,' && binding.length === 0) return 'biws' // nearly always
  const header = Buffer.from(gs2Header)
  return (binding.length === 0 ? header : Buffer.concat([header, binding])).toString('base64')
}

/** `gs2-cbind-flag "," [authzid] "," [reserved-mext ","] username "," nonce ["," extensions]` */
function parseClientFirst(text: string): ClientFirst {
  const [flag = '', authzid, name, nonce, ...extensions] = text.split(',')
  if (flag !== 'n' && flag !== 'y' && !CHANNEL_BINDING_NAME.test(flag)) throw malformed()
  if (authzid === undefined || name === undefined) throw malformed()
  if (name.startsWith('m=')) throw new SaslFailure('not-authorized', 'mandatory extensions are not supported') // RFC 5802 §5.1
  if (nonce === undefined) throw malformed()
  const random = attributeValue(nonce, 'r')
  if (!NONCE.test(random) || !extensions.every((part) => EXTENSION.test(part))) throw malformed()
  const gs2Header = `${flag},${authzid},`
  return {
    gs2Header,
    flag,
    bare: text.slice(gs2Header.length),
    authzid: authzid === '' ? '' : saslName(attributeValue(authzid, 'a')),
    name: saslName(attributeValue(name, 'n')),
    nonce: random,
  }
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
