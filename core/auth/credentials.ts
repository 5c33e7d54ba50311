/** What SASL mechanisms ask of an account store. */

export type ScramMechanism = 'SCRAM-SHA-1' | 'SCRAM-SHA-256'

/** RFC 5802 §3: what a server keeps instead of a password. */
export interface ScramKeys {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Names given here are prepared localparts. Every call may reject when the store does not answer. */
export interface Credentials {
  /**
   * Keys of an account, disabled or not. For an unknown user or one without keys: made-up keys, the same at each call,
   * which no password matches, so that the exchange takes as long and looks the same (design §7).
   */
  scramKeys(username: string, mechanism: ScramMechanism): Promise<ScramKeys>
  /** True when the password is right, whether or not the account may log in; takes the same time for an unknown user. */
  verifyPassword(username: string, password: string): Promise<boolean>
  /** True when the account may not log in, or is not there any more: asked only after the password was proven. */
  isDisabled(username: string): Promise<boolean>
}
