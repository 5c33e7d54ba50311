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

/** A flight's place in the ring. */
export interface FlightPlace {
  readonly flight: Flight
  bytes: number
  /** False once it had to go. */
  isKept: boolean
}

export class FlightRing {
  /** As long as there may be flights; the oldest stands at `#oldest`, the others after it, on from the beginning where the array ends. */
  #places: (FlightPlace | undefined)[] = []
  #oldest = 0
  #count = 0
  #maxBytes = 0
  #bytes = 0
  /** Flights that had to go for newer ones. */
  evicted = 0

  get count(): number {
    return this.#count
  }
  get bytes(): number {
    return this.#bytes
  }

  resize(maxFlights: number, maxBytes: number): void {
    while (this.#count > maxFlights) this.#evict()
    const kept = [...this.#newestFirst()].reverse()
    this.#places = Array.from({ length: maxFlights }, (_, index) => kept[index])
    this.#oldest = 0
    this.#maxBytes = maxBytes
    this.#shrink()
  }

  add(flight: Flight): FlightPlace {
    if (this.#count === this.#places.length) this.#evict()
    const place = { flight, bytes: 0, isKept: true }
    this.#places[(this.#oldest + this.#count) % this.#places.length] = place
    this.#count++
    return place
  }

  /** More is known of a flight. One that is no longer kept grows nothing. */
  grown(place: FlightPlace, bytes: number): void {
    if (!place.isKept) return
    place.bytes += bytes
    this.#bytes += bytes
    this.#shrink()
  }

  find(id: string): Flight | undefined {
    for (const { flight } of this.#newestFirst()) if (flight.id === id) return flight
    return undefined
  }

  /** Newest first. */
  search({ jid, stanzaId, plugin, before, limit }: FlightQuery): Flight[] {
    const found: Flight[] = []
    let isReached = before === undefined || this.find(before) === undefined
    for (const { flight } of this.#newestFirst()) {
      if (found.length >= limit) break
      if (!isReached) {
        isReached = flight.id === before
        continue
      }
      if (stanzaId !== undefined && flight.stanzaId !== stanzaId) continue
      if (jid !== undefined && !concerns(flight, jid)) continue
      if (plugin !== undefined && !flight.crossings.some((it) => it.steps.some(({ waypoint }) => waypoint.plugin === plugin))) continue
      found.push(flight)
    }
    return found
  }

  clear(): void {
    for (const place of this.#newestFirst()) place.isKept = false
    this.#places.fill(undefined)
    this.#count = 0
    this.#bytes = 0
  }

  *#newestFirst(): Iterable<FlightPlace> {
    for (let back = this.#count - 1; back >= 0; back--) yield this.#places[(this.#oldest + back) % this.#places.length] as FlightPlace
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes) this.#evict()
  }

  #evict(): void {
    const place = this.#places[this.#oldest] as FlightPlace
    this.#places[this.#oldest] = undefined
    this.#oldest = (this.#oldest + 1) % this.#places.length
    this.#count--
    this.#bytes -= place.bytes
    place.isKept = false
    this.evicted++
  }
}

function concerns({ from, to, crossings }: Flight, jid: string): boolean {
  const isIt = (other: string | undefined) => other !== undefined && (other === jid || other.startsWith(`${jid}/`))
  return isIt(from) || isIt(to) || crossings.some((it) => isIt(it.session.jid))
}
