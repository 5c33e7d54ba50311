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

/** A channel binding failed (RFC 5802 §6): the peer is told how, for that tells nothing of accounts. */
export class ChannelBindingFailure extends SaslFailure {
  /** @param error a server-error-value of RFC 5802 §7 */
  constructor(
    error:
      | 'channel-bindings-dont-match'
      | 'channel-binding-not-supported'
      | 'server-does-support-channel-binding'
      | 'unsupported-channel-binding-type',
  ) {
    super('not-authorized', error)
  }
}

export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  /** `username` is prepared; `data` is the additional data with success, such as SCRAM's `v=`. */
  | { readonly kind: 'success'; readonly username: string; readonly data?: Buffer /** No account bears the name. */; readonly isAnonymous?: true }

/** What a mechanism may know of the stream. */
export interface SaslEnvironment {
  readonly domain: string
  readonly credentials: Credentials
  /** True inside TLS. */
  readonly isSecure?: boolean
  /** Undefined where the stream has none to offer. */
  readonly channelBinding?: SaslChannelBinding | undefined
  /** Accounts that the client's certificate stands for, prepared; undefined where certificates are not asked for. */
  readonly certificateUsernames?: readonly string[] | undefined
}

export interface SaslChannelBinding {
  /** The types that were offered (XEP-0440), at least one. */
  readonly types: readonly string[]
  /** Undefined for a type that was not offered. */
  data(type: string): Buffer | undefined
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
  /** Why it cannot be used on this stream, and is not offered; always usable where it is left out. */
  refusal?(environment: Pick<SaslEnvironment, 'isSecure' | 'channelBinding' | 'certificateUsernames'>): SaslFailureCondition | undefined
  start(environment: SaslEnvironment): SaslExchange
}
