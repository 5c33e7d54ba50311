/** SASL mechanisms (RFC 4422), server side. Each is one file in `mechanisms/`. */
import type { Credentials } from './credentials.js'

/** RFC 6120 §6.5. */
export type SaslFailureCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

export class SaslFailure extends Error {
  override readonly name = 'SaslFailure'
  constructor(
    readonly condition: SaslFailureCondition,
    readonly text?: string,
  ) {
    super(text ? `${condition}: ${text}` : condition)
  }
}

export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  /** `username` is prepared; `data` is the additional data with success, such as SCRAM's `v=`. */
  | { readonly kind: 'success'; readonly username: string; readonly data?: Buffer }

/** What a mechanism may know of the stream. */
export interface SaslEnvironment {
  readonly domain: string
  readonly credentials: Credentials
}

/** One authentication exchange. */
export interface SaslExchange {
  /** The prepared name the client says it is, once it has said so; undefined while it has not, or cannot be an account's. */
  readonly username: string | undefined
  /** @param data decoded initial response or response; undefined when the client sent no initial response. @throws SaslFailure */
  respond(data: Buffer | undefined): Promise<SaslStep>
}

export interface SaslMechanism {
  readonly name: string
  /** Sends the password itself: offered without TLS only where configured. */
  readonly revealsPassword: boolean
  start(environment: SaslEnvironment): SaslExchange
}
