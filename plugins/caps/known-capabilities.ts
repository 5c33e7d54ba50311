/** Who can do what: features by hash, shared by all clients that show it, and the hash of each available client. */
import { type CapabilitiesChange, type ClientSession, type Presence, TwoGenerationMap } from '@beaconfire/plugin-sdk'
import { type AdvertisedCaps, cacheKey } from './advertised-caps.js'

/** Different clients of one generation; versions of all clients there are stay below. */
const GENERATION_LIMIT = 500
const NOTHING: ReadonlySet<string> = new Set()

interface Shown {
  /** Key of the advertised hash. */
  readonly key: string
  readonly hash: string
  readonly features: ReadonlySet<string> | undefined
}

export class KnownCapabilities {
  readonly #byHash = new TwoGenerationMap<ReadonlySet<string>>(GENERATION_LIMIT)
  readonly #bySession = new WeakMap<ClientSession, Shown>()

  /** Hashes whose features are known. */
  get size(): number {
    return this.#byHash.size
  }

  of(session: ClientSession): ReadonlySet<string> {
    return this.#bySession.get(session)?.features ?? NOTHING
  }

  isShowing(session: ClientSession, key: string): boolean {
    return this.#bySession.get(session)?.key === key
  }

  /** True when the presence holds the hash that the session showed before: told from its text, since nearly all do. */
  isShownIn(presence: Presence, session: ClientSession): boolean {
    const hash = this.#bySession.get(session)?.hash
    return hash !== undefined && presence.innerXml().includes(hash)
  }

  proven(key: string): ReadonlySet<string> | undefined {
    return this.#byHash.get(key)
  }

  prove(key: string, features: ReadonlySet<string>): void {
    this.#byHash.set(key, features)
  }

  /** The session shows this hash; until the features behind it are known, those before are taken to stand. @returns the change, if any */
  show(session: ClientSession, caps: AdvertisedCaps, features: ReadonlySet<string> | undefined): CapabilitiesChange | undefined {
    const before = this.of(session)
    this.#bySession.set(session, { key: cacheKey(caps), hash: caps.hash, features: features ?? (before === NOTHING ? undefined : before) })
    return features && features !== before ? { session, features, before } : undefined
  }

  /** As {@link show}, where nothing has to be asked, nor anybody told: those who listen ask {@link of} when they are started. */
  showProven(session: ClientSession, caps: AdvertisedCaps | undefined): void {
    const features = caps?.isVerifiable ? this.proven(cacheKey(caps)) : undefined
    if (caps && features) this.show(session, caps, features)
  }

  forget(session: ClientSession): void {
    this.#bySession.delete(session)
  }

  save(sessions: Iterable<ClientSession>): Record<string, string[]> {
    const saved: Record<string, string[]> = {}
    for (const session of sessions) {
      const key = this.#bySession.get(session)?.key
      const features = key === undefined ? undefined : this.#byHash.get(key)
      if (key !== undefined && features) saved[key] = [...features]
    }
    return saved
  }

  /** @param state what the version before saved; what has another shape is ignored */
  restore(state: unknown): void {
    if (typeof state !== 'object' || state === null) return
    for (const [key, features] of Object.entries(state)) {
      if (Array.isArray(features) && features.every((it) => typeof it === 'string')) this.prove(key, new Set(features))
    }
  }
}
