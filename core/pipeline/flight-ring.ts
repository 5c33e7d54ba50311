/** The last flights, bounded by their number and by the memory they take; the oldest go first. */
import type { Flight } from './flight.js'

export interface FlightQuery {
  /** Bare or full, of sender, recipient or a session it passed. */
  readonly jid?: string | undefined
  /** The stanza's own `id`. */
  readonly stanzaId?: string | undefined
  readonly plugin?: string | undefined
  /** Only flights older than this one. */
  readonly before?: string | undefined
  readonly limit: number
}

export class FlightRing {
  /** Oldest first, with the size of each. */
  readonly #flights = new Map<Flight, number>()
  readonly #byId = new Map<string, Flight>()
  #maxFlights = 0
  #maxBytes = 0
  #bytes = 0
  /** Flights that had to go for newer ones. */
  evicted = 0

  get count(): number {
    return this.#flights.size
  }
  get bytes(): number {
    return this.#bytes
  }

  resize(maxFlights: number, maxBytes: number): void {
    this.#maxFlights = maxFlights
    this.#maxBytes = maxBytes
    this.#shrink()
  }

  add(flight: Flight): void {
    this.#flights.set(flight, 0)
    this.#byId.set(flight.id, flight)
    this.#shrink()
  }

  /** More is known of a flight. One that is no longer kept grows nothing. */
  grown(flight: Flight, bytes: number): void {
    const size = this.#flights.get(flight)
    if (size === undefined) return
    this.#flights.set(flight, size + bytes)
    this.#bytes += bytes
    this.#shrink()
  }

  has(flight: Flight): boolean {
    return this.#flights.has(flight)
  }

  find(id: string): Flight | undefined {
    return this.#byId.get(id)
  }

  /** Newest first. */
  search({ jid, stanzaId, plugin, before, limit }: FlightQuery): Flight[] {
    const found: Flight[] = []
    let isReached = before === undefined || !this.#byId.has(before)
    for (const flight of [...this.#flights.keys()].reverse()) {
      if (found.length >= limit) break
      if (!isReached) {
        isReached = flight.id === before
        continue
      }
      if (stanzaId !== undefined && flight.stanzaId !== stanzaId) continue
      if (jid !== undefined && !concerns(flight, jid)) continue
      if (plugin !== undefined && !flight.crossings.some((it) => it.steps.some((step) => step.plugin === plugin))) continue
      found.push(flight)
    }
    return found
  }

  clear(): void {
    this.#flights.clear()
    this.#byId.clear()
    this.#bytes = 0
  }

  #shrink(): void {
    for (const [flight, size] of this.#flights) {
      if (this.#flights.size <= this.#maxFlights && this.#bytes <= this.#maxBytes) return
      this.#flights.delete(flight)
      this.#byId.delete(flight.id)
      this.#bytes -= size
      this.evicted++
    }
  }
}

function concerns({ from, to, crossings }: Flight, jid: string): boolean {
  const isIt = (other: string | undefined) => other !== undefined && (other === jid || other.startsWith(`${jid}/`))
  return isIt(from) || isIt(to) || crossings.some((it) => isIt(it.session.jid))
}
