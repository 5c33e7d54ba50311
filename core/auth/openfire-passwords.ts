/** Passwords as an Openfire installation keeps them beside the keys of SCRAM: plain or encrypted, as its properties say (openfire.md §3.2). */
import { type Database, type Logger, type MaybePromise, whenDone } from '@beaconfire/plugin-sdk'
import { type KeyDerivation, PasswordCipher } from './password-cipher.js'
import { isPasswordOf, tryPreparePassword } from './password-keys.js'
import type { PasswordRow, ScramTables } from './scram-tables.js'
import { readKeys } from './stored-keys.js'

export interface OpenfirePasswordConfig {
  /** `auto`: the one that reads what is there. */
  readonly passwordKeyDerivation: KeyDerivation | 'auto'
  /** base64, `encrypt.blowfish.salt` of Openfire's security configuration. */
  readonly passwordSalt?: string | undefined
}

/** What the columns of `ofUser` are to hold for a new password. */
export interface PasswordColumns {
  readonly plainPassword: string | null
  readonly encryptedPassword: string | null
}

/** How far the encrypted passwords could be read. */
export type CipherState =
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'wrong'; readonly reason: string }
  /** `isProven`: an encrypted password was read with it; without one only a configured derivation is believed. */
  | { readonly kind: 'usable'; readonly derivation: KeyDerivation; readonly isProven: boolean; readonly cipher: PasswordCipher }

const NAMES = ['passwordKey', 'user.usePlainPassword', 'user.scramHashedPasswordOnly', 'sasl.scram-sha-1.iteration-count']
const PROPERTIES = `select name, propValue, encrypted from ofProperty where name in (${NAMES.map(() => '?').join(', ')})`
/** Encrypted passwords a key is tried on. */
const SAMPLES = 20
const LONGEST_PLAIN = 32
const FEWEST_ITERATIONS = 1000
const MOST_ITERATIONS = 1_000_000

export interface OpenfirePasswordsOptions {
  readonly database: Database
  readonly config: OpenfirePasswordConfig
  readonly tables: Pick<ScramTables, 'encrypted'>
  /** False in a database of our own, in which nothing is encrypted. */
  readonly isOpenfire: boolean
  /** New passwords are kept readable, whatever the properties say. */
  readonly keepsReadable?: boolean | undefined
  readonly log?: Logger | undefined
}

interface Loaded {
  readonly properties: ReadonlyMap<string, string>
  readonly state: CipherState
}

export class OpenfirePasswords {
  readonly #database: Database
  readonly #config: OpenfirePasswordConfig
  readonly #tables: Pick<ScramTables, 'encrypted'>
  readonly #isOpenfire: boolean
  readonly #keepsReadable: boolean
  readonly #log: Logger | undefined
  #loading: Promise<Loaded> | undefined
  #loaded: Loaded | undefined

  constructor({ database, config, tables, isOpenfire, keepsReadable = false, log }: OpenfirePasswordsOptions) {
    this.#keepsReadable = keepsReadable
    this.#database = database
    this.#config = config
    this.#tables = tables
    this.#isOpenfire = isOpenfire
    this.#log = log
  }

  async state(): Promise<CipherState> {
    return (await this.#load()).state
  }

  /** PBKDF2 rounds of SCRAM-SHA-1 that Openfire is told to take; undefined when it is not. Asked at every login: at once when it is known. */
  iterations(): MaybePromise<number | undefined> {
    return whenDone(this.#loaded ?? this.#load(), iterationsOf)
  }

  /** The password itself, where it can be read; Openfire, too, looks into the encrypted column first. */
  async readable({ encryptedPassword, plainPassword }: Pick<PasswordRow, 'encryptedPassword' | 'plainPassword'>): Promise<string | undefined> {
    if (!encryptedPassword) return plainPassword || undefined
    const { state } = this.#loaded ?? (await this.#load())
    return (state.kind === 'usable' ? state.cipher.decrypt(encryptedPassword) : undefined) || plainPassword || undefined
  }

  /** Both empty where only keys are to be kept, or where Openfire could not read what would be written. */
  async columns(password: string): Promise<PasswordColumns> {
    const { properties, state } = await this.#load()
    if (this.#keepsReadable && password.length <= LONGEST_PLAIN) return { plainPassword: password, encryptedPassword: null }
    if (isOn(properties, 'user.scramHashedPasswordOnly')) return { plainPassword: null, encryptedPassword: null }
    if (isOn(properties, 'user.usePlainPassword') && password.length <= LONGEST_PLAIN) return { plainPassword: password, encryptedPassword: null }
    const isTrusted = state.kind === 'usable' && (state.isProven || this.#config.passwordKeyDerivation !== 'auto')
    return { plainPassword: null, encryptedPassword: (isTrusted && state.cipher.encrypt(password)) || null }
  }

  async #load(): Promise<Loaded> {
    if (this.#loaded) return this.#loaded
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined // after a failure the next login tries again
    })
    this.#loaded = await this.#loading
    return this.#loaded
  }

  async #read(): Promise<Loaded> {
    const rows = await this.#database.read<{ name: string; propValue: string; encrypted: number | null }>(PROPERTIES, NAMES)
    const properties = new Map(rows.filter((it) => it.encrypted !== 1).map((it) => [it.name, it.propValue]))
    const isHidden = rows.some((it) => it.name === 'passwordKey' && it.encrypted === 1)
    const state = await this.#findCipher(properties.get('passwordKey'), isHidden)
    if (state.kind === 'wrong')
      this.#log?.warn({ reason: state.reason }, 'encrypted passwords of Openfire cannot be read; logins go by the keys of SCRAM')
    return { properties, state }
  }

  async #findCipher(passwordKey: string | undefined, isHidden: boolean): Promise<CipherState> {
    if (!passwordKey && !this.#isOpenfire) return { kind: 'none', reason: 'the database is none of Openfire' }
    const samples = await this.#database.read<PasswordRow>(this.#tables.encrypted, [SAMPLES])
    const missing = isHidden ? 'the property passwordKey is itself encrypted' : 'there is no property passwordKey'
    if (!passwordKey) return { kind: samples.length > 0 ? 'wrong' : 'none', reason: missing }
    const { passwordKeyDerivation: wanted, passwordSalt: salt } = this.#config
    const derivations: KeyDerivation[] = wanted === 'auto' ? (salt === undefined ? ['sha1'] : ['pbkdf2', 'sha1']) : [wanted]
    for (const derivation of derivations) {
      const cipher = await PasswordCipher.create(passwordKey, derivation, salt)
      if (samples.length === 0) return { kind: 'usable', derivation, isProven: false, cipher }
      if (await readsMost(cipher, samples)) return { kind: 'usable', derivation, isProven: true, cipher }
    }
    const hint = salt === undefined ? 'key derivation pbkdf2 needs the salt of its security configuration' : 'the salt or the passwordKey is another'
    return { kind: 'wrong', reason: `no encrypted password is read by ${derivations.join(' or ')}: ${hint}` }
  }
}

/** Noise can look like a password by chance, and keys of SCRAM can be out of step: the greater part decides. */
async function readsMost(cipher: PasswordCipher, samples: readonly PasswordRow[]): Promise<boolean> {
  let right = 0
  for (const row of samples) {
    const password = cipher.decrypt(row.encryptedPassword ?? '')
    const prepared = password === undefined ? undefined : tryPreparePassword(password)
    if (prepared === undefined || password === undefined) continue
    const keys = readKeys('SCRAM-SHA-1', row)
    if (!keys || (await isPasswordOf(keys, 'SCRAM-SHA-1', prepared)) || (await isPasswordOf(keys, 'SCRAM-SHA-1', password))) right++
  }
  return right * 2 > samples.length
}

function iterationsOf({ properties }: Loaded): number | undefined {
  const count = Number(properties.get('sasl.scram-sha-1.iteration-count'))
  return Number.isInteger(count) && count >= FEWEST_ITERATIONS && count <= MOST_ITERATIONS ? count : undefined
}

function isOn(properties: ReadonlyMap<string, string>, name: string): boolean {
  return properties.get(name)?.trim().toLowerCase() === 'true'
}
