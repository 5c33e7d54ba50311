/** What accounts prefer, remembered: it is asked for with every message. */
import { Jid, type MaybePromise, TwoGenerationMap } from '@beaconfire/plugin-sdk'
import type { ArchiveStore } from './archive-store.js'
import { type Behavior, isBehavior, type Preferences } from './preferences.js'

/** Accounts remembered: twice as many at most. */
const GENERATION = 10_000

export class PreferenceCache {
  readonly #store: Pick<ArchiveStore, 'preferences' | 'savePreferences'>
  readonly #unless: Preferences
  #known = new TwoGenerationMap<Preferences>(GENERATION)
  readonly #loading = new Map<string, Promise<Preferences>>()

  /** @param behavior of accounts that have said nothing */
  constructor(store: Pick<ArchiveStore, 'preferences' | 'savePreferences'>, behavior: Behavior) {
    this.#store = store
    this.#unless = { behavior, always: [], never: [] }
  }

  /** @throws (rejects) with the database's error */
  of(username: string): MaybePromise<Preferences> {
    return this.#known.get(username) ?? this.#loading.get(username) ?? this.#load(username)
  }

  async save(username: string, preferences: Preferences): Promise<void> {
    const { behavior, always, never } = preferences
    await this.#store.savePreferences({
      username,
      defaultBehavior: behavior,
      alwaysJIDs: JSON.stringify(always),
      neverJIDs: JSON.stringify(never),
    })
    this.#loading.delete(username) // what it finds may be older
    this.#known.set(username, preferences)
  }

  /** The account is gone: another of that name begins anew. */
  forget(username: string): void {
    this.#loading.delete(username)
    this.#known.set(username, this.#unless)
  }

  async #load(username: string): Promise<Preferences> {
    const loading = this.#read(username)
    this.#loading.set(username, loading)
    try {
      const preferences = await loading
      if (this.#loading.get(username) === loading) this.#known.set(username, preferences)
      return preferences
    } finally {
      if (this.#loading.get(username) === loading) this.#loading.delete(username)
    }
  }

  async #read(username: string): Promise<Preferences> {
    const row = await this.#store.preferences(username)
    if (!row) return this.#unless
    const behavior = isBehavior(row.defaultBehavior) ? row.defaultBehavior : this.#unless.behavior
    return { behavior, always: jids(row.alwaysJIDs), never: jids(row.neverJIDs) }
  }
}

function jids(json: string): Jid[] {
  return (JSON.parse(json) as string[]).map((text) => Jid.parse(text))
}
