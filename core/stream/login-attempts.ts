/** The logins that are tried on one connection, by whatever way: throttled, counted, and ended when they are too many. */
import type { Logger, MaybePromise } from '@beaconfire/plugin-sdk'
import type { LoginThrottle } from '../auth/login-throttle.js'
import type { SaslFailureCondition } from '../auth/sasl-mechanism.js'
import { StreamError } from './stream-error.js'

/** RFC 6120 §6.4.5: between 2 and 5 tries. */
const MOST_FAILURES = 5

/** Failures that speak of guessing: not an abort, nor a fault of the server's own. */
const GUESSES = new Set<SaslFailureCondition>(['not-authorized', 'account-disabled', 'invalid-authzid', 'malformed-request', 'incorrect-encoding'])

interface Collaborators {
  readonly throttle: LoginThrottle
  readonly log: Logger
}

export class LoginAttempts {
  readonly #server: Collaborators
  readonly #address: string
  #failures = 0

  constructor(server: Collaborators, address: string) {
    this.#server = server
    this.#address = address
  }

  /** @throws StreamError policy-violation */
  assertMayTry(): void {
    if (this.#server.throttle.check(this.#address)) return
    this.#server.log.warn({ address: this.#address }, 'too many failed logins from one address')
    throw new StreamError('policy-violation', 'Too many failed logins. Try again later.')
  }

  succeeded(username: string): void {
    this.#server.throttle.succeeded(this.#address, username)
  }

  /** A failure that cannot have been a guess: it counts on this stream alone. */
  mistaken(condition: SaslFailureCondition, username: string | undefined, mechanism: string | undefined): void {
    this.#server.log.info({ address: this.#address, condition, username, mechanism }, 'login failed')
    this.#failures++
  }

  /** @returns a promise when the answer has to wait */
  failed(condition: SaslFailureCondition, username: string | undefined, mechanism: string | undefined): MaybePromise<void> {
    const { throttle } = this.#server
    this.mistaken(condition, username, mechanism)
    if (GUESSES.has(condition)) throttle.failed(this.#address, username)
    return throttle.slowDown(this.#address, username)
  }

  /** To be asked when the last failure has been answered. @throws StreamError policy-violation (RFC 6120 §6.4.5) */
  assertTriesLeft(): void {
    if (this.#failures >= MOST_FAILURES) throw new StreamError('policy-violation', 'Too many failed logins on this stream.')
  }
}
