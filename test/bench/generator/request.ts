/** What the bench asks its generator process, and what comes back: one JSON document each way. */
import type { Latency } from '../measure/statistics.js'

export type Mechanism = 'SCRAM-SHA-1' | 'PLAIN'

export interface LoginsWorkload {
  readonly kind: 'logins'
  readonly users: number
  /** Logins under way at a time. */
  readonly concurrency: number
  readonly mechanism: Mechanism
  /** All have logged in, and gone, since the server started: what it remembers of them helps. */
  readonly areKnown?: boolean
}

export interface MessagesWorkload {
  readonly kind: 'messages'
  readonly pairs: number
  readonly bytes: number
  /** Messages of each pair before the measured part. */
  readonly warmup: number
  readonly pace: ClosedLoop | OpenLoop
  /** Sessions besides those of the pairs, which do nothing. They have no presence, and share accounts by resources. */
  readonly bystanders?: number
  /** All sessions have stream management (XEP-0198), and senders ask for each message. */
  readonly isAcknowledged?: boolean
  /** They do what they should not, for as long as is measured. */
  readonly offenders?: Offenders
}

export interface Offenders {
  /**
   * `allowed`: no offence, but all that it may: sends as many stanzas and bytes as its limits allow, to one who reads. `deaf`: reads nothing of what
   * others, within their limits, send to it. `flood`: sends twice the bytes that it may. `large`: sends stanzas of the largest size, as
   * fast as it may. `newcomers`: connect, and say nothing.
   */
  readonly conduct: 'allowed' | 'deaf' | 'flood' | 'large' | 'newcomers'
  readonly count: number
  /** The run fails unless the server has closed all of them by its end. */
  readonly mustBeClosed?: boolean
}

/** Each pair has at most `window` messages not yet seen by the recipient. */
export interface ClosedLoop {
  readonly each: number
  readonly window: number
}

/** Messages leave when they are due, whatever came of those before. */
export interface OpenLoop {
  /** Messages a second, of all pairs. */
  readonly rate: number
  readonly seconds: number
}

export interface OfflineWorkload {
  readonly kind: 'offline'
  readonly users: number
  readonly perUser: number
  readonly senders: number
  readonly bytes: number
  readonly concurrency: number
}

export interface IdleWorkload {
  readonly kind: 'idle'
  readonly connections: number
  readonly concurrency: number
  /** Waited between the last login and the reading, so that garbage of logins is gone. */
  readonly holdSeconds: number
}

export interface PresenceWorkload {
  readonly kind: 'presence'
  readonly contacts: number
  /** Sessions of each contact; one unless given. */
  readonly resources?: number
  readonly broadcasts: number
  /** Broadcasts not yet seen by all contacts. */
  readonly window: number
  readonly warmup: number
}

/** The roster of the first account, asked for by its one session. */
export interface RosterWorkload {
  readonly kind: 'roster'
  readonly contacts: number
  readonly requests: number
}

/** Queries of the chat log by the admin API, one after the other. */
export interface QueriesWorkload {
  readonly kind: 'queries'
  readonly each: number
}

/** Makes what the others need: accounts, and contacts of the first one. What is there already is left alone. */
export interface ProvisionWorkload {
  readonly kind: 'provision'
  /** False: the accounts exist, and in-band registration may be off. */
  readonly register: boolean
  readonly accounts: number
  readonly contacts: number
  readonly concurrency: number
}

export type Workload =
  | LoginsWorkload
  | MessagesWorkload
  | OfflineWorkload
  | IdleWorkload
  | PresenceWorkload
  | RosterWorkload
  | QueriesWorkload
  | ProvisionWorkload

export interface Target {
  readonly address: string
  readonly port: number
  readonly domain: string
  /** TLS from the first byte. Certificates are not verified: these accounts hold no secret. */
  readonly tls: boolean
}

/** Users are `<prefix>0`, `<prefix>1`, … with one password. */
export interface BenchAccounts {
  readonly prefix: string
  readonly password: string
}

export interface GeneratorRequest {
  readonly workload: Workload
  readonly target: Target
  readonly accounts: BenchAccounts
  /** Process whose tree is charged; without it there are wall figures alone. */
  readonly serverPid?: number
  /** `/metrics` of the server with its bearer token, for the delay of the event loop. */
  readonly metrics?: MetricsSource
  /** Keeps what PBKDF2 made, so that no client's PBKDF2 is in a measured login. */
  readonly scramKeysFile: string
  /** The whole run ends after this, as failed. */
  readonly timeoutSeconds: number
  /** Waited after the last stanza before the last reading, so that work put off counts too. */
  readonly settleMs: number
}

export interface MetricsSource {
  readonly url: string
  readonly token: string
}

export interface Faults {
  lost: number
  duplicated: number
  outOfOrder: number
  /** Stanzas of type error. */
  errors: number
}

/** One measured part of a run. CPU figures are missing where the server's process is not known. */
export interface Part {
  /** Empty unless the workload has several. */
  readonly name: string
  readonly count: number
  readonly wallSeconds: number
  readonly perSecond: number
  readonly serverCpuSeconds?: number
  readonly perCpuSecond?: number
  /** Cores' worth: 1 is a core full. */
  readonly serverShare?: number
  readonly generatorShare: number
  /** Of everybody else on the machine, interrupts and stolen time included. */
  readonly otherShare: number
  readonly memoryKib?: { readonly before: number; readonly after: number }
  /** Of this part alone; that of the run unless given. */
  readonly latency?: Latency
}

export interface IdleFigures {
  readonly bytesPerConnection: number
  /** By proportional set size, where the kernel shows it: pages shared between processes count once. */
  readonly proportionalBytesPerConnection: number
  /** Resident after start, before anyone connects. */
  readonly memoryAfterStartKib: number
  /** CPU share of doing nothing with all connected. */
  readonly quietShare: number
}

export interface GeneratorResult {
  readonly ok: boolean
  readonly error?: string
  readonly faults: Faults
  readonly parts: readonly Part[]
  readonly latency?: Latency
  /** Ms until the server took responsibility for each message, where senders asked (XEP-0198). */
  readonly acknowledgement?: Latency
  readonly idle?: IdleFigures
  /** p99 and longest of the server's event loop in ms, over the measured parts. */
  readonly eventLoopDelay?: { readonly p99: number; readonly max: number }
  /** Open loop: messages that left more than 5 ms after they were due; many mean the generator is the limit. */
  readonly sentLate?: number
  /** Offenders that the server had closed or refused by the end. */
  readonly closedOffenders?: number
}
