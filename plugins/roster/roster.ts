/** One account's roster in memory, with the version of what the user sees of it (RFC 6121 §2.6). */
import { createHash } from 'node:crypto'
import type { Jid } from '@beaconfire/plugin-sdk'
import { itemElement, type RosterEntry } from './roster-entry.js'
import { type SharedContacts, withShared } from './shared-part.js'

const DIGEST_BYTES = 16

const NOBODY: SharedContacts = new Map()

/** The shown entry of a contact was this and is that. */
export interface EntryChange {
  readonly before: RosterEntry | undefined
  readonly after: RosterEntry | undefined
}

export class Roster {
  /** What is stored. */
  readonly #own: Map<string, RosterEntry>
  /** The same, with what shared groups add; the same map where they add nothing. */
  #entries: Map<string, RosterEntry>
  #shared: SharedContacts
  #listed = 0
  /** XOR of the digests of all listed items: changes with each of them alone, whatever their number and order. */
  #digest: Buffer | undefined

  constructor(
    /** Bare JID of the account. */
    readonly user: Jid,
    entries: readonly RosterEntry[],
    shared: SharedContacts = NOBODY,
  ) {
    this.#own = new Map(entries.map((entry) => [entry.jid.toString(), entry]))
    this.#shared = shared
    this.#entries = this.#laidOver(shared)
    for (const entry of entries) if (entry.listed) this.#listed++
  }

  /** All entries by JID, requests of strangers too. */
  get entries(): ReadonlyMap<string, RosterEntry> {
    return this.#entries
  }

  /** Entries as they are stored. */
  get own(): ReadonlyMap<string, RosterEntry> {
    return this.#own
  }

  /** Stored entries that the user sees. */
  get listed(): number {
    return this.#listed
  }

  /** Requests of strangers, which the user does not see in the roster. */
  get unlisted(): number {
    return this.#own.size - this.#listed
  }

  entry(jid: Jid): RosterEntry | undefined {
    return this.#entries.get(jid.toString())
  }

  /** Shared groups have changed. @returns what that changes in the roster */
  share(shared: SharedContacts): EntryChange[] {
    const before = this.#entries
    this.#shared = shared
    this.#entries = this.#laidOver(shared)
    this.#digest = undefined
    const changes: EntryChange[] = []
    for (const [key, entry] of this.#entries) if (before.get(key) !== entry) changes.push({ before: before.get(key), after: entry })
    for (const [key, entry] of before) if (!this.#entries.has(key)) changes.push({ before: entry, after: undefined })
    return changes
  }

  /**
   * The version: it says what the roster holds, so it is right after a restart, and after another server wrote the tables.
   * A client that comes with the version of long ago gets the same roster as then, or all of it.
   */
  get version(): string {
    if (!this.#digest) {
      this.#digest = Buffer.alloc(DIGEST_BYTES)
      for (const entry of this.#entries.values()) this.#mix(entry)
    }
    return this.#digest.toString('base64url')
  }

  /** @param entry as it is stored */
  set(entry: RosterEntry): void {
    const key = entry.jid.toString()
    this.#count(this.#own.get(key), -1)
    // In its old place, so that whoever walks over the entries meanwhile does not meet it twice.
    this.#own.set(key, entry)
    this.#count(entry, 1)
    this.#show(key, withShared(entry, this.#shared.get(key)))
  }

  delete(jid: Jid): void {
    const key = jid.toString()
    this.#count(this.#own.get(key), -1)
    this.#own.delete(key)
    this.#show(key, this.#shared.get(key)?.alone)
  }

  /** In the other map, which may be the same one: then it is done already, but for the digest. */
  #show(key: string, entry: RosterEntry | undefined): void {
    if (this.#entries === this.#own) return
    const before = this.#entries.get(key)
    if (before) this.#mix(before)
    if (entry) {
      this.#entries.set(key, entry)
      this.#mix(entry)
    } else this.#entries.delete(key)
  }

  #laidOver(shared: SharedContacts): Map<string, RosterEntry> {
    if (shared.size === 0) return this.#own
    const entries = new Map(this.#own)
    for (const [key, part] of shared) entries.set(key, withShared(this.#own.get(key), part) ?? part.alone)
    return entries
  }

  #count(entry: RosterEntry | undefined, by: 1 | -1): void {
    if (!entry) return
    if (entry.listed) this.#listed += by
    if (this.#entries === this.#own) this.#mix(entry)
  }

  /** Puts an item into the digest, or takes it out: XOR is its own inverse. */
  #mix(entry: RosterEntry): void {
    const digest = this.#digest
    if (!digest || !entry.listed) return
    const hash = createHash('sha256').update(itemElement(entry).toString()).digest()
    for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = (digest[i] as number) ^ (hash[i] as number)
  }
}
