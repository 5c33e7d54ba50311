/** The SASL negotiation of one stream (RFC 6120 §6): elements in, elements out. It may be tried again after a failure. */
import { type Element, element, type Logger, NS } from '@beaconfire/plugin-sdk'
import { decodeBase64 } from './sasl-identity.js'
import {
  ChannelBindingFailure,
  type SaslEnvironment,
  type SaslExchange,
  SaslFailure,
  type SaslFailureCondition,
  type SaslMechanism,
  type SaslStep,
} from './sasl-mechanism.js'

/** In characters of base64: more than PLAIN needs for three parts of 1023 bytes each. */
const LONGEST_MESSAGE = 8192

export interface SaslOutcome {
  /** `<challenge/>`, `<success/>` or `<failure/>`, to be sent. */
  readonly reply: Element
  /** Set on success; the stream restarts then. */
  readonly authenticated?: { readonly username: string; readonly mechanism: string; readonly isAnonymous: boolean }
  readonly failed?: SaslFailureCondition
  /** The failure came before any password was looked at, so that nobody is to be slowed down for it. */
  readonly isNoGuess?: true
  /** The prepared name the client said it is, on failure too: what a throttle counts by. It may be no account's. */
  readonly username?: string
}

export interface SaslSessionOptions {
  /** All that are enabled. */
  readonly mechanisms: readonly SaslMechanism[]
  readonly environment: SaslEnvironment
  /** True inside TLS or where configured: else mechanisms that send the password are refused with `encryption-required`. */
  readonly mayRevealPassword: boolean
  readonly log: Logger
}

interface Running {
  readonly mechanism: SaslMechanism
  readonly exchange: SaslExchange
}

/** The mechanisms to offer, in the order given (strongest first: clients that do not choose take the first). */
export function offeredMechanisms(
  mechanisms: readonly SaslMechanism[],
  mayRevealPassword: boolean,
  environment: Pick<SaslEnvironment, 'isSecure' | 'channelBinding' | 'certificateUsernames'>,
): readonly SaslMechanism[] {
  return mechanisms.filter((it) => (mayRevealPassword || !it.revealsPassword) && it.refusal?.(environment) === undefined)
}

/** The stream feature (RFC 6120 §6.4.1), as XML. */
export function mechanismsFeature(mechanisms: readonly SaslMechanism[]): string {
  let list = ''
  for (const { name } of mechanisms) list += `<mechanism>${name}</mechanism>`
  return list === '' ? `<mechanisms xmlns="${NS.sasl}"/>` : `<mechanisms xmlns="${NS.sasl}">${list}</mechanisms>`
}

/** The stream feature that names what a mechanism for channel binding can bind to (XEP-0440). */
export function channelBindingFeature(types: readonly string[]): Element {
  return element('sasl-channel-binding', { xmlns: NS.saslChannelBinding }, ...types.map((type) => element('channel-binding', { type })))
}

export function saslFailureElement(condition: SaslFailureCondition, text?: string): Element {
  return element('failure', { xmlns: NS.sasl }, element(condition), text !== undefined && element('text', { 'xml:lang': 'en' }, text))
}

export class SaslSession {
  readonly #options: SaslSessionOptions
  #running: Running | undefined
  #isDone = false
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: SaslSessionOptions) {
    this.#options = options
  }

  /**
   * Answers one element of the SASL namespace. Elements that come while an earlier one is being answered wait for it;
   * how many may wait is bounded by the stream's limit of bytes before authentication. Never rejects.
   */
  handle(el: Element): Promise<SaslOutcome> {
    const outcome = this.#tail.then(() => this.#handle(el))
    this.#tail = outcome
    return outcome
  }

  async #handle(el: Element): Promise<SaslOutcome> {
    const current = this.#running
    try {
      return await this.#step(el)
    } catch (error) {
      const running = this.#running ?? current
      this.#running = undefined // RFC 6120 §6.4.5: a failure ends the exchange, the client may begin anew
      return this.#fail(error, running)
    }
  }

  async #step(el: Element): Promise<SaslOutcome> {
    const name = el.getName()
    if (this.#isDone) throw new SaslFailure('malformed-request', 'already authenticated')
    if (name === 'abort') throw new SaslFailure('aborted')
    if (name === 'auth') return this.#begin(el)
    if (name !== 'response') throw new SaslFailure('malformed-request', 'unknown element')
    if (!this.#running) throw new SaslFailure('malformed-request', 'a response without an exchange')
    return this.#advance(this.#running, messageOf(el) ?? Buffer.alloc(0))
  }

  async #begin(el: Element): Promise<SaslOutcome> {
    this.#running = undefined // one that was under way is given up (RFC 6120 §6.4.2)
    const { mechanisms, environment, mayRevealPassword } = this.#options
    const mechanism = mechanisms.find(({ name }) => name === el.attrs.mechanism)
    if (!mechanism) throw new SaslFailure('invalid-mechanism')
    if (mechanism.revealsPassword && !mayRevealPassword) throw new SaslFailure('encryption-required')
    const refusal = mechanism.refusal?.(environment)
    if (refusal) throw new SaslFailure(refusal)
    const initial = messageOf(el)
    this.#running = { mechanism, exchange: mechanism.start(environment) }
    return this.#advance(this.#running, initial)
  }

  async #advance({ mechanism, exchange }: Running, data: Buffer | undefined): Promise<SaslOutcome> {
    const step = await exchange.respond(data)
    if (step.kind === 'challenge') return { reply: element('challenge', { xmlns: NS.sasl }, encode(step)) }
    // asked only now, so that nobody without the password learns whether an account is disabled
    const { username, isAnonymous = false } = step
    if (!isAnonymous && (await this.#options.environment.credentials.isDisabled(username))) throw new SaslFailure('account-disabled')
    this.#running = undefined
    this.#isDone = true
    const reply = element('success', { xmlns: NS.sasl }, encode(step))
    return { reply, authenticated: { username, mechanism: mechanism.name, isAnonymous }, username }
  }

  #fail(error: unknown, running: Running | undefined): SaslOutcome {
    const username = running?.exchange.username
    const who = username === undefined ? {} : { username }
    if (error instanceof SaslFailure) {
      // why not authorized stays in the server: the peer is told the same for every reason
      const isNoGuess = error instanceof ChannelBindingFailure
      const text = error.condition === 'not-authorized' && !isNoGuess ? undefined : error.text
      return { reply: saslFailureElement(error.condition, text), failed: error.condition, ...(isNoGuess && { isNoGuess }), ...who }
    }
    this.#options.log.error({ err: error, mechanism: running?.mechanism.name, ...who }, 'authentication could not be decided')
    return { reply: saslFailureElement('temporary-auth-failure'), failed: 'temporary-auth-failure', ...who }
  }
}

/**
 * RFC 6120 §6.4.2: no text is no message, `=` is an empty one.
 * @throws SaslFailure incorrect-encoding, malformed-request
 */
function messageOf(el: Element): Buffer | undefined {
  if (el.children.some((child) => typeof child !== 'string')) throw new SaslFailure('malformed-request', 'an element inside')
  const text = el.getText()
  if (text.length > LONGEST_MESSAGE) throw new SaslFailure('malformed-request', 'too long')
  if (text === '') return undefined
  if (text === '=') return Buffer.alloc(0)
  const message = decodeBase64(text)
  if (!message) throw new SaslFailure('incorrect-encoding')
  return message
}

/** Undefined and empty additional data are told apart: an empty one is written as `=` in `<success/>` (RFC 6120 §6.4.6). */
function encode({ kind, data }: SaslStep): string | undefined {
  if (data === undefined) return undefined
  if (data.length === 0) return kind === 'success' ? '=' : undefined
  return data.toString('base64')
}
