/** What a rehearsal and the process of one version say to each other. */
import type { DatabaseConfig } from '../../config/server-config.js'
import type { Passage, PassageOutcome, VersionSummary } from './passage.js'

/** What a version is made of. */
export interface VersionRequest {
  readonly name: string
  /** Folder or package. */
  readonly source: string
  /** Where packages are unpacked. */
  readonly cache: string
  /** Where plugins are looked for that offer the services it requires. */
  readonly pluginFolders: readonly string[]
  readonly domain: string
  readonly admins: readonly string[]
  readonly limitsEnabled: boolean
  readonly settings: Readonly<Record<string, unknown>>
  /** Undefined: empty tables in memory. */
  readonly database: { readonly config: DatabaseConfig; readonly dataFolder: string } | undefined
}

export type ToVersion =
  | { readonly kind: 'load'; readonly request: VersionRequest }
  | { readonly kind: 'passage'; readonly passage: Passage }
  | { readonly kind: 'end' }

export interface LoadedVersion {
  readonly version: string
  readonly folder: string
  readonly interceptors: readonly string[]
  /** What whoever reads the report should know. */
  readonly notes: readonly string[]
}

export type FromVersion =
  | { readonly kind: 'listening' }
  | { readonly kind: 'loaded'; readonly loaded: LoadedVersion }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'outcome'; readonly outcome: PassageOutcome }
  | { readonly kind: 'unreadable'; readonly message: string }
  | { readonly kind: 'ended'; readonly summary: VersionSummary }
