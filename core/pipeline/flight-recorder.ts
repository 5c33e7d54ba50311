/**
 * The flight recorder: follows sampled stanzas on their whole way, when an administrator has armed it. Disarmed it is not
 * in the way at all.
 */
import { detachText, type Jid, type RoutedNotes, type Session, type Stanza, type StanzaKind } from '@beaconfire/plugin-sdk'
import type { CrossingProbe, CrossingWatch } from './chain-watch.js'
import { type Flight, type FlightCrossing, type FlightMark, type FlightStep, sizeOfCrossing, sizeOfStep, type Waypoint } from './flight.js'
import { type FlightPlace, type FlightQuery, FlightRing } from './flight-ring.js'
import { RecordedCrossing } from './recorded-crossing.js'
import { shownError } from './shown-error.js'
import { markingKey, shownStanza } from './shown-stanza.js'
import { Waypoints } from './waypoints.js'

/** Which stanzas are recorded, how, and for how long. All that is given must hold. */
export interface Arming {
  /** Part of the stanzas that fit, 0 to 1. */
  readonly rate: number
  /** Bare or full: sender, recipient, or the session it crosses at. */
  readonly jid?: Jid | undefined
  readonly stanza?: StanzaKind | undefined
  readonly type?: string | undefined
  /** Only stanzas that an interceptor of this plugin is called for. */
  readonly plugin?: string | undefined
  /** True: texts are recorded, those of errors too. Otherwise only how long they are, and whether they change. */
  readonly bodies: boolean
  /** Disarmed after so long. */
  readonly seconds: number
  readonly maxFlights: number
  /** Memory, roughly. */
  readonly maxBytes: number
}

export interface FlightFollower {
  flight(flight: Flight): void
  /** There will be no more. */
  end(): void
}

export interface RecorderStatus {
  readonly arming: Arming | undefined
  /** When it disarms itself, in epoch milliseconds. */
  readonly until: number | undefined
  readonly flights: number
  readonly bytes: number
  /** Flights that had to go for newer ones. */
  readonly evicted: number
}

/** More recipients of one stanza than these are only counted. */
const MAX_CROSSINGS = 100
const FLIGHT = Symbol('flight')
const NOT_RECORDED = Symbol('not recorded')

type HookOutcome = 'handled' | 'pass' | 'rejected'

interface Armed extends Arming {
  readonly until: number
  readonly timer: NodeJS.Timeout
  readonly key: string
  readonly waypoints: Waypoints
}

export class FlightRecorder implements CrossingWatch {
  readonly #ring = new FlightRing()
  readonly #followers = new Set<FlightFollower>()
  readonly #switch: (watch: FlightRecorder | undefined) => void
  readonly #random: () => number
  #armed: Armed | undefined
  #lastId = 0

  /** @param onSwitch is given the recorder when it is armed, undefined when it is disarmed @param random 0..1 */
  constructor(onSwitch: (watch: FlightRecorder | undefined) => void, random = Math.random) {
    this.#switch = onSwitch
    this.#random = random
  }

  /** Records from now on, in place of what it was armed with before. What was recorded stays, as far as it fits. */
  arm(arming: Arming): RecorderStatus {
    this.disarm()
    const timer = setTimeout(() => this.disarm(), arming.seconds * 1000)
    timer.unref()
    this.#armed = { ...arming, until: Date.now() + arming.seconds * 1000, timer, key: markingKey(), waypoints: new Waypoints() }
    this.#ring.resize(arming.maxFlights, arming.maxBytes)
    this.#switch(this)
    return this.status()
  }

  /** What was recorded stays. */
  disarm(): RecorderStatus {
    clearTimeout(this.#armed?.timer)
    this.#armed = undefined
    this.#switch(undefined)
    return this.status()
  }

  status(): RecorderStatus {
    const { count: flights, bytes, evicted } = this.#ring
    if (!this.#armed) return { arming: undefined, until: undefined, flights, bytes, evicted }
    const { until, timer: _timer, key: _key, waypoints: _waypoints, ...arming } = this.#armed
    return { arming, until, flights, bytes, evicted }
  }

  find(id: string): Flight | undefined {
    return this.#ring.find(id)
  }

  /** Newest first. */
  search(query: FlightQuery): Flight[] {
    return this.#ring.search(query)
  }

  clear(): void {
    this.#ring.clear()
  }

  /** Tells of each flight once its first crossing is over. @returns the undo */
  follow(follower: FlightFollower): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /** Disarms it and lets go of whoever follows. */
  close(): void {
    this.disarm()
    for (const follower of this.#followers) follower.end()
    this.#followers.clear()
  }

  crossing(packet: Stanza, session: Session, incoming: boolean, routed: RoutedNotes): CrossingProbe | undefined {
    const armed = this.#armed
    const known = routed[FLIGHT] as Recorded | typeof NOT_RECORDED | undefined
    if (!armed || known === NOT_RECORDED) return undefined
    const recorded = known ?? this.#begin(armed, packet, session)
    routed[FLIGHT] = recorded ?? NOT_RECORDED
    return recorded?.crossing(packet, session, incoming)
  }

  /** A hook of a plugin was asked about a stanza. @param elapsed ms that the answer took */
  hookAsked(plugin: string, hook: string, stanza: RoutedNotes, outcome: HookOutcome, elapsed: number): void {
    const recorded = stanza[FLIGHT]
    if (recorded instanceof Recorded) recorded.hookAsked(plugin, hook, outcome, elapsed)
  }

  #begin(armed: Armed, packet: Stanza, session: Session): Recorded | undefined {
    if (armed.stanza !== undefined && packet.kind !== armed.stanza) return undefined
    if (armed.type !== undefined && packet.type !== armed.type) return undefined
    if (armed.jid && ![packet.from, packet.to, session.jid].some((it) => it && concerns(it, armed.jid as Jid))) return undefined
    if (armed.rate < 1 && this.#random() >= armed.rate) return undefined
    const flight: Flight = {
      id: String(++this.#lastId),
      at: Date.now(),
      kind: packet.kind,
      type: packet.type,
      stanzaId: packet.id === undefined ? undefined : detachText(packet.id),
      from: packet.from?.toString(),
      to: packet.to?.toString(),
      bodies: armed.bodies,
      crossings: [],
      omitted: 0,
    }
    return new Recorded(flight, armed, this.#ring, this.#followers)
  }
}

/** A flight under way. */
class Recorded {
  readonly waypoints: Waypoints
  readonly #flight: Flight
  readonly #armed: Armed
  readonly #ring: FlightRing
  readonly #followers: Iterable<FlightFollower>
  readonly #startedAt = performance.now()
  /** Undefined as long as the plugin that is waited for has not been called. */
  #place: FlightPlace | undefined

  constructor(flight: Flight, armed: Armed, ring: FlightRing, followers: Iterable<FlightFollower>) {
    this.waypoints = armed.waypoints
    this.#flight = flight
    this.#armed = armed
    this.#ring = ring
    this.#followers = followers
    if (armed.plugin === undefined) this.#place = ring.add(flight)
  }

  crossing(packet: Stanza, session: Session, incoming: boolean): CrossingProbe | undefined {
    const flight = this.#flight
    if (flight.crossings.length >= MAX_CROSSINGS) {
      flight.omitted++
      return undefined
    }
    const { kind, id, remoteAddress, secure } = session
    const seen = { kind, id, remoteAddress, secure, jid: session.jid.toString() }
    const crossing: FlightCrossing = { incoming, session: seen, packet: this.shown(packet.toString()), steps: [], isFinished: false }
    flight.crossings.push(crossing)
    if (this.#place) this.#ring.grown(this.#place, sizeOfCrossing(crossing))
    return new RecordedCrossing(this, crossing)
  }

  shown(xml: string): string {
    return shownStanza(xml, this.#armed.bodies, this.#armed.key)
  }

  shownError(error: unknown): string {
    return shownError(error, this.#armed.bodies)
  }

  /** @param from by `performance.now()`, as is `to` */
  step(crossing: FlightCrossing, waypoint: Waypoint, from: number, to: number, outcome: FlightStep['outcome'], mark: FlightMark | undefined): void {
    const step: FlightStep = { waypoint, at: microseconds(from - this.#startedAt), took: microseconds(to - from), outcome, mark }
    crossing.steps.push(step)
    if (this.#place) this.#ring.grown(this.#place, sizeOfStep(step))
    else if (waypoint.plugin === this.#armed.plugin) this.#keep()
  }

  finished(crossing: FlightCrossing): void {
    crossing.isFinished = true
    if (crossing !== this.#flight.crossings[0] || !this.#place?.isKept) return
    for (const follower of this.#followers) follower.flight(this.#flight)
  }

  hookAsked(plugin: string, hook: string, outcome: HookOutcome, ms: number): void {
    const crossing = this.#flight.crossings[0]
    const now = performance.now()
    if (crossing) this.step(crossing, this.waypoints.ofHook(plugin, hook), now - ms, now, outcome, undefined)
  }

  /** The plugin that is waited for has been called: what was noted so far is kept after all. */
  #keep(): void {
    const place = this.#ring.add(this.#flight)
    this.#place = place
    for (const crossing of this.#flight.crossings) {
      this.#ring.grown(place, sizeOfCrossing(crossing) + crossing.steps.reduce((sum, step) => sum + sizeOfStep(step), 0))
    }
  }
}

export type RecordedFlight = Pick<Recorded, 'waypoints' | 'shown' | 'shownError' | 'step' | 'finished'>

/** Whole ones: small integers take no memory of their own. */
function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1000))
}

function concerns(jid: Jid, wanted: Jid): boolean {
  return wanted.resource === '' ? jid.bare().equals(wanted) : jid.equals(wanted)
}
