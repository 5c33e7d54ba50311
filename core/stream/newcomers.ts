/** Connections that have not logged in: how many there may be, in all and from one address, so that they leave room for the others. */
import type { Logger } from '@beaconfire/plugin-sdk'

export interface NewcomerLimits {
  readonly unauthenticatedConnections: number
  readonly unauthenticatedPerAddress: number
}

/** At most one line in so long about connections that were refused. */
const LOG_INTERVAL_MS = 1000

export class Newcomers {
  readonly #limits: NewcomerLimits
  readonly #log: Logger
  #perAddress = new Map<string, number>()
  #all = 0
  #refused = 0
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(limits: NewcomerLimits, log: Logger) {
    this.#limits = limits
    this.#log = log
  }

  /** @returns false when there are too many, which is logged */
  admit(address: string): boolean {
    const count = this.#perAddress.get(address) ?? 0
    if (this.#all >= this.#limits.unauthenticatedConnections || count >= this.#limits.unauthenticatedPerAddress) {
      this.#refuse(address)
      return false
    }
    this.#all++
    this.#perAddress.set(address, count + 1)
    return true
  }

  /** Counts anew who has not logged in yet: who has, or is gone, is not told one by one. */
  recount(addresses: Iterable<string>): void {
    const perAddress = new Map<string, number>()
    this.#all = 0
    for (const address of addresses) {
      this.#all++
      perAddress.set(address, (perAddress.get(address) ?? 0) + 1)
    }
    this.#perAddress = perAddress
  }

  #refuse(address: string): void {
    this.#refused++
    const now = performance.now()
    if (now - this.#loggedAt < LOG_INTERVAL_MS) return
    this.#loggedAt = now
    this.#log.warn({ address, refused: this.#refused, waiting: this.#all }, 'connections are refused: too many have not logged in')
    this.#refused = 0
  }
}
