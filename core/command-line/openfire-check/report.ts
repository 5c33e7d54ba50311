/** What the check of an Openfire database finds. */

export interface TableReport {
  readonly name: string
  readonly rows: number
  /** served: read and written; read: read only; kept: left as it is; own: made by this server; unknown: nothing is known of it, left as it is. */
  readonly use: TableUse
  readonly charset: string | undefined
}

export type TableUse = 'served' | 'read' | 'kept' | 'own' | 'unknown'

/** Rows that cannot be understood. */
export interface Finding {
  readonly table: string
  readonly what: string
  readonly rows: number
  /** Keys of the first few. */
  readonly examples: readonly string[]
}

export interface PasswordReport {
  readonly accounts: number
  /** Keys of SCRAM-SHA-1, with or without a readable password. */
  readonly withKeys: number
  /** Encrypted or plain, and readable: keys of every mechanism are made of it. */
  readonly readable: number
  /** No keys, but readable. */
  readonly readableOnly: number
  readonly plain: number
  readonly encrypted: number
  readonly encryptedUnreadable: number
  /** Neither: these accounts cannot log in. */
  readonly unverifiable: number
  readonly unverifiableExamples: readonly string[]
  /** How encrypted passwords are read, or why not. */
  readonly cipher: string
}

export interface PropertyReport {
  readonly property: string
  readonly key: string
}

export interface CheckReport {
  readonly database: string
  readonly schemaVersion: number | undefined
  readonly monitoringVersion: number | undefined
  readonly tables: readonly TableReport[]
  readonly passwords: PasswordReport | undefined
  /** System properties that are honoured. */
  readonly honoured: readonly PropertyReport[]
  /** System properties that the configuration overrules. */
  readonly overruled: readonly PropertyReport[]
  readonly findings: readonly Finding[]
  /** Why it must not be served. */
  readonly blocking: readonly string[]
  /** What will not be as it was. */
  readonly losses: readonly string[]
  /** What is good to know. */
  readonly notes: readonly string[]
}
