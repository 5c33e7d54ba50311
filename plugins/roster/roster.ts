/** One account's roster in memory, with the version of what the user sees of it (RFC 6121 §2.6). */
import { createHash } from 'node:crypto'
import type { Jid } from '@beaconfire/plugin-sdk'
import { itemElement, type RosterEntry } from './roster-entry.js'

const DIGEST_BYTES = 16

export class Roster {
  readonly #entries: Map<string, RosterEntry>
  #listed = 0
  /** XOR of the digests of all listed items: changes with each of them alone, whatever their number and order. */
  #digest: Buffer | undefined

  constructor(
    /** Bare JID of the account. */
    readonly user: Jid,
    entries: readonly RosterEntry[],
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.jid.toString(), entry]))
    for (const entry of entries) if (entry.listed) this.#listed++
  }

  /** All entries by JID, requests of strangers too. */
  get entries(): ReadonlyMap<string, RosterEntry> {
    return this.#entries
  }

  /** Entries that the user sees. */
  get listed(): number {
    return this.#listed
  }

  /** Requests of strangers, which the user does not see in the roster. */
  get unlisted(): number {
    return this.#entries.size - this.#listed
  }

  entry(jid: Jid): RosterEntry | undefined {
    return this.#entries.get(jid.toString())
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

  set(entry: RosterEntry): void {
    const before = this.entry(entry.jid)
    if (before) this.#count(before, -1)
    // In its old place, so that whoever walks over the entries meanwhile does not meet it twice.
    this.#entries.set(entry.jid.toString(), entry)
    this.#count(entry, 1)
  }

  delete(jid: Jid): void {
    const entry = this.entry(jid)
    if (!entry) return
    this.#entries.delete(jid.toString())
    this.#count(entry, -1)
  }

  #count(entry: RosterEntry, by: 1 | -1): void {
    if (entry.listed) this.#listed += by
    this.#mix(entry)
  }

  /** Puts an item into the digest, or takes it out: XOR is its own inverse. */
  #mix(entry: RosterEntry): void {
    const digest = this.#digest
    if (!digest || !entry.listed) return
    const hash = createHash('sha256').update(itemElement(entry).toString()).digest()
    for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = (digest[i] as number) ^ (hash[i] as number)
  }
}
