/** The rosters in memory: those of accounts with sessions, and a few more; loaded once, changed one change at a time. */
import type { Jid, MaybePromise } from '@beaconfire/plugin-sdk'
import { ChangeQueue } from './change-queue.js'
import { type EntryChange, Roster } from './roster.js'
import { newEntry, type RosterEntry } from './roster-entry.js'
import type { RosterStore } from './roster-store.js'
import { type SharedContacts, withoutShared } from './shared-part.js'

interface Slot {
  roster: Roster | undefined
  loading: Promise<Roster> | undefined
  /** Made for the first change. */
  changes: ChangeQueue | undefined
}

/** What a change may do to the roster. Nothing of it is visible before it is on disk. */
export interface RosterChange {
  readonly roster: Roster
  /** Stores an entry, new or changed. @returns it as it is in the roster now */
  save(entry: RosterEntry): Promise<RosterEntry>
  remove(entry: RosterEntry): Promise<void>
}

export class Rosters {
  readonly #slots = new Map<string, Slot>()
  /** Accounts in memory that have no session, longest unused first. */
  readonly #idle = new Set<string>()
  readonly #store: RosterStore
  readonly #hasSession: (user: Jid) => boolean
  readonly #idleLimit: number
  readonly #sharedOf: (username: string) => SharedContacts

  /** @param idleLimit rosters kept for accounts without a session @param sharedOf what an account has by shared groups */
  constructor(
    store: RosterStore,
    hasSession: (user: Jid) => boolean,
    idleLimit: number,
    sharedOf: (username: string) => SharedContacts = () => new Map(),
  ) {
    this.#sharedOf = sharedOf
    this.#store = store
    this.#hasSession = hasSession
    this.#idleLimit = idleLimit
  }

  /** Rosters in memory. */
  get size(): number {
    return this.#slots.size
  }

  /** The roster of this account: at once when it is in memory. Not to be changed but through {@link change}. */
  of(user: Jid): MaybePromise<Roster> {
    const account = user.bare()
    const slot = this.#slot(account)
    return slot.roster ?? this.#load(account, slot)
  }

  /**
   * Changes a roster; changes of the same roster wait for one another.
   * @param work must not wait for another change
   * @param mayGo lets other changes that wait go before it, and has it wait for one of them while it returns false, for a while; given
   * undefined while the roster is not in memory
   */
  change<T>(user: Jid, work: (change: RosterChange) => Promise<T>, mayGo?: (roster: Roster | undefined) => boolean): Promise<T> {
    const account = user.bare()
    const slot = this.#slot(account)
    slot.changes ??= new ChangeQueue()
    const begun = async () => work(this.#change(await (slot.roster ?? this.#load(account, slot))))
    return slot.changes.add(begun, mayGo && (() => mayGo(slot.roster)))
  }

  /** The last session of the account has gone: its roster may be forgotten when others need the room. */
  rest(user: Jid): void {
    this.#touch(user.bare())
  }

  /** The account is being removed: nothing of its roster stays. */
  removeAll(user: Jid): Promise<void> {
    return this.change(user, async ({ roster }) => {
      await this.#store.removeAll(user.local)
      for (const entry of [...roster.own.values()]) roster.delete(entry.jid)
    })
  }

  /** Shared groups have changed. @returns the rosters in memory that look different now, or whose contacts see something else */
  reshare(): { readonly roster: Roster; readonly changes: readonly EntryChange[] }[] {
    return [...this.#slots.values()].flatMap(({ roster }) => {
      const changes = roster?.share(this.#sharedOf(roster.user.local))
      return roster && changes && changes.length > 0 ? [{ roster, changes }] : []
    })
  }

  /** Resolves when no change is under way any more. */
  async whenIdle(): Promise<void> {
    for (const { changes } of [...this.#slots.values()]) await changes?.whenIdle()
  }

  #slot(account: Jid): Slot {
    const key = account.toString()
    let slot = this.#slots.get(key)
    // While a user is here nothing is counted: this is asked for every presence.
    if (slot && !this.#idle.has(key)) return slot
    if (!slot) {
      slot = { roster: undefined, loading: undefined, changes: undefined }
      this.#slots.set(key, slot)
    }
    this.#touch(account)
    return slot
  }

  #touch(account: Jid): void {
    const key = account.toString()
    if (!this.#slots.has(key)) return
    this.#idle.delete(key)
    if (this.#hasSession(account)) return
    this.#idle.add(key)
    for (const oldest of this.#idle) {
      if (this.#idle.size <= this.#idleLimit) return
      // One that is being loaded or changed stays: a second copy beside it could lose the change.
      const slot = this.#slots.get(oldest)
      if (oldest === key || slot?.loading || slot?.changes?.isIdle === false) continue
      this.#slots.delete(oldest)
      this.#idle.delete(oldest)
    }
  }

  #load(account: Jid, slot: Slot): Promise<Roster> {
    slot.loading ??= this.#store
      .load(account.local)
      .then((entries) => {
        slot.roster = new Roster(account, entries, this.#sharedOf(account.local))
        return slot.roster
      })
      .finally(() => {
        slot.loading = undefined
      })
    return slot.loading
  }

  #change(roster: Roster): RosterChange {
    return {
      roster,
      save: async (entry) => {
        const stored = roster.own.get(entry.jid.toString())
        const own = withoutShared(entry, roster.entry(entry.jid), stored)
        if (own) roster.set(await this.#store.save(roster.user.local, own, stored))
        else if (stored) {
          await this.#store.remove(stored)
          roster.delete(stored.jid)
        }
        return roster.entry(entry.jid) ?? entry
      },
      remove: async (entry) => {
        await this.#store.remove(entry)
        roster.delete(entry.jid)
      },
    }
  }
}

/** The entry for a contact, or a new one that is not in the roster yet. */
export function entryFor(roster: Roster, contact: Jid): RosterEntry {
  return roster.entry(contact) ?? newEntry(contact)
}
