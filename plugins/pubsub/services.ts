/** The services and their nodes in memory: read once, changed one change at a time, the longest unused forgotten when there are too many. */
import type { Jid, MaybePromise } from '@beaconfire/plugin-sdk'
import type { Node } from './node.js'

/** Where nodes are: the pubsub service of the server, or an account (XEP-0163). */
export interface PubsubService {
  /** `serviceID` in the tables. */
  readonly id: string
  /** From whom notifications come: a domain, or the bare JID of the account. */
  readonly jid: Jid
  readonly kind: 'account' | 'service'
  readonly nodes: Map<string, Node>
}

interface Slot {
  service: PubsubService | undefined
  loading: Promise<PubsubService> | undefined
  /** Settles when the last change queued so far has ended. Never rejects. */
  tail: Promise<unknown> | undefined
  /** Nodes when it was read. */
  nodes: number
}

/** Nodes of a service, on average, that the limit allows for: an account with very many takes the room of others. */
const NODES_PER_SERVICE = 8

export interface ServiceSource {
  load(serviceIds: readonly string[]): Promise<Map<string, Map<string, Node>>>
}

export class PubsubServices {
  /** The longest unused first. */
  readonly #slots = new Map<string, Slot>()
  readonly #source: ServiceSource
  readonly #service: { readonly id: string; readonly jid: Jid }
  readonly #limit: number
  /** Nodes of all slots. */
  #nodes = 0

  /** @param service the server's own service @param limit services kept in memory */
  constructor(source: ServiceSource, service: { readonly id: string; readonly jid: Jid }, limit: number) {
    this.#source = source
    this.#service = service
    this.#limit = limit
  }

  /** Services in memory. */
  get size(): number {
    return this.#slots.size
  }

  /** The service at this address, a bare JID: at once when it is in memory. Not to be changed but through {@link change}. */
  of(jid: Jid): MaybePromise<PubsubService> {
    const slot = this.#slot(jid)
    if (slot.service) return slot.service
    slot.loading ??= this.#load([jid]).then(([service]) => service as PubsubService)
    return slot.loading
  }

  /** Several, read together where they must be. */
  ofAll(jids: readonly Jid[]): MaybePromise<readonly PubsubService[]> {
    const found: MaybePromise<PubsubService>[] = []
    const missing: Jid[] = []
    for (const jid of jids) {
      const slot = this.#slot(jid)
      if (!slot.service && !slot.loading) missing.push(jid)
      else found.push(slot.service ?? (slot.loading as Promise<PubsubService>))
    }
    if (missing.length === 0 && found.every((it) => !(it instanceof Promise))) return found as PubsubService[]
    const loading = this.#load(missing)
    for (const [i, jid] of missing.entries()) {
      const one = loading.then((all) => all[i] as PubsubService)
      one.catch(() => {}) // who asked hears of it by `loading`
      this.#slot(jid).loading = one
    }
    return Promise.all([Promise.all(found.map(async (it) => it)), loading]).then(([some, others]) => [...some, ...others])
  }

  /** Changes a service; changes of the same one wait for one another. `work` must not wait for another change of it. */
  change<T>(jid: Jid, work: (service: PubsubService) => Promise<T>): Promise<T> {
    const slot = this.#slot(jid)
    const run = async () => work(await this.of(jid))
    const done = slot.tail ? slot.tail.then(run) : run()
    const tail = done.then(settled, settled).then(() => {
      if (slot.tail === tail) slot.tail = undefined
    })
    slot.tail = tail
    return done
  }

  /** Those in memory, whoever's they are. */
  *loaded(): IterableIterator<PubsubService> {
    for (const { service } of this.#slots.values()) if (service) yield service
  }

  /** Resolves when no change is under way any more. */
  async whenIdle(): Promise<void> {
    for (const { tail } of [...this.#slots.values()]) await tail
  }

  #slot(jid: Jid): Slot {
    const key = jid.toString()
    const known = this.#slots.get(key)
    const slot: Slot = known ?? { service: undefined, loading: undefined, tail: undefined, nodes: 0 }
    this.#slots.delete(key)
    this.#slots.set(key, slot)
    if (!known) this.#makeRoom()
    return slot
  }

  #makeRoom(): void {
    for (const [key, slot] of this.#slots) {
      if (this.#slots.size <= this.#limit && this.#nodes <= this.#limit * NODES_PER_SERVICE) return
      // One that is being read or changed stays: a second copy beside it could lose the change.
      if (slot.loading || slot.tail || key === this.#service.jid.toString()) continue
      this.#slots.delete(key)
      this.#nodes -= slot.nodes
    }
  }

  async #load(jids: readonly Jid[]): Promise<PubsubService[]> {
    try {
      const nodes = await this.#source.load(jids.map((it) => this.#idOf(it)))
      return jids.map((jid) => {
        const id = this.#idOf(jid)
        const service: PubsubService = { id, jid, kind: jid.local === '' ? 'service' : 'account', nodes: nodes.get(id) ?? new Map() }
        this.#remember(jid, service)
        return service
      })
    } finally {
      for (const jid of jids) {
        const slot = this.#slots.get(jid.toString())
        if (slot) slot.loading = undefined
      }
    }
  }

  #remember(jid: Jid, service: PubsubService): void {
    const slot = this.#slots.get(jid.toString())
    if (!slot) return
    slot.service = service
    // The server's own is never forgotten, and takes no room from accounts.
    slot.nodes = service.kind === 'service' ? 0 : service.nodes.size
    this.#nodes += slot.nodes
  }

  #idOf(jid: Jid): string {
    return jid.equals(this.#service.jid) ? this.#service.id : jid.toString()
  }
}

function settled(): void {
  // who asked for the change hears of its failure; the next change only needs to know that it is over
}
