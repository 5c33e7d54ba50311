/** What the bench needs of a server it starts itself. */
import type { MetricsSource, Target, Workload } from '../generator/request.js'
import type { RowCounts } from './filled-rows.js'

/** A switch of the server that a scenario needs. As installed where nothing is said. */
export interface ServerVariant {
  /** Part of the stanzas that the flight recorder follows; it is not armed unless given. */
  readonly recorder?: number
  /** Messages are kept: our chat log, a peer's archive (XEP-0313), in SQL or in the store a peer has by default. */
  readonly archive?: 'sql' | 'own'
  /** Ours only: which plugins keep them; the chat log alone unless given. */
  readonly keepers?: readonly Keeper[]
  /** Ours only; as the bench was called unless given. */
  readonly durability?: 'strict' | 'fast'
  /** Ours only: on a MariaDB that is started for the run, instead of SQLite. */
  readonly database?: 'mysql'
  /** The c2s port speaks TLS from the first byte. */
  readonly tls?: boolean
  /** The tables hold rows of long ago; ours only. */
  readonly rows?: RowCounts
  /** Ours only: with the limits by rate of the defaults, but for those given; they are off unless given. */
  readonly limits?: { readonly floodSeconds: number }
  /** Interceptors of a generated plugin; ours only. */
  readonly interceptors?: InterceptorLoad
}

export type Keeper = 'chatlog' | 'mam'

export interface InterceptorLoad {
  readonly count: number
  readonly style: 'sync' | 'async'
  /** False: their `when` excludes the messages of the bench. */
  readonly matching: boolean
}

export interface StartOptions {
  /** Folder of this run alone, with the data of a provisioned one copied in. */
  readonly folder: string
  readonly domain: string
  readonly variant: ServerVariant
  /** Those that the folder holds; in other stores they have to be made. */
  readonly accounts?: { readonly prefix: string; readonly password: string; readonly count: number }
  /** Core to stay on. */
  readonly core?: number
}

export interface StartedServer {
  readonly target: Target
  /** Unknown for a server elsewhere. */
  readonly pid?: number
  readonly metrics?: MetricsSource
  /** Ends it in order; kills it when it does not end. */
  stop(): Promise<void>
}

export interface BenchServer {
  readonly name: string
  /** It runs already, with data that is not ours to copy or throw away. */
  readonly isForeign?: boolean
  /** @returns undefined when it is not installed */
  version(): string | undefined
  /** What a data folder made by an earlier version may not be used for: folders are kept by it. */
  dataVersion(): string
  /** Resolves once it accepts connections. @throws with the end of its output when it does not */
  start(options: StartOptions): Promise<StartedServer>
  /** False for a variant it cannot be started as, or a load it does not know; all can unless this says so. */
  canBe?(variant: ServerVariant, workload: Workload): boolean
  /** How many messages a stopped server has kept in its folder, wherever the variant has it keep them; undefined where it cannot be told. */
  archived?(folder: string, variant: ServerVariant): Promise<number | undefined>
}
