/**
 * The flight recorder: follows sampled stanzas on their whole way, when an administrator has armed it. Disarmed it is not
 * in the way at all.
 */
import { randomBytes } from 'node:crypto'
import type { Jid, RoutedNotes, Session, Stanza, StanzaKind } from '@beaconfire/plugin-sdk'
import type { CrossingProbe, CrossingWatch } from './chain-watch.js'
import { type Flight, type FlightCrossing, type FlightStep, sizeOfCrossing, sizeOfStep } from './flight.js'
import { type FlightQuery, FlightRing } from './flight-ring.js'
import { RecordedCrossing } from './recorded-crossing.js'
import { redactStanza } from './redact-stanza.js'
import { shownError } from './shown-error.js'

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
  readonly key: Uint8Array
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
    this.#armed = { ...arming, until: Date.now() + arming.seconds * 1000, timer, key: randomBytes(16) }
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
    const { until, timer: _timer, key: _key, ...arming } = this.#armed
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
      stanzaId: packet.id,
      from: packet.from?.toString(),
      to: packet.to?.toString(),
      bodies: armed.bodies,
      crossings: [],
      omitted: 0,
    }
    const told = () => {
      if (this.#ring.has(flight)) for (const follower of this.#followers) follower.flight(flight)
    }
    return new Recorded(flight, armed, this.#ring, told)
  }
}

/** A flight under way. */
class Recorded {
  readonly #startedAt = performance.now()

  constructor(
    readonly flight: Flight,
    readonly armed: Armed,
    readonly ring: FlightRing,
    readonly onFirstOver: () => void,
  ) {
    if (armed.plugin === undefined) ring.add(flight)
  }

  crossing(packet: Stanza, session: Session, incoming: boolean): CrossingProbe | undefined {
    const { flight } = this
    if (flight.crossings.length >= MAX_CROSSINGS) {
      flight.omitted++
      return undefined
    }
    const { kind, id, remoteAddress, secure } = session
    const seen = { kind, id, remoteAddress, secure, jid: session.jid.toString() }
    const crossing: FlightCrossing = { incoming, session: seen, packet: this.shown(packet.toString()), steps: [], isFinished: false }
    flight.crossings.push(crossing)
    this.ring.grown(flight, sizeOfCrossing(crossing))
    return new RecordedCrossing(this, crossing)
  }

  /** ms since the flight began. */
  now(): number {
    return Math.round((performance.now() - this.#startedAt) * 1000) / 1000
  }

  shown(xml: string): string {
    return this.armed.bodies ? xml : redactStanza(xml, this.armed.key)
  }

  shownError(error: unknown): string {
    return shownError(error, this.armed.bodies)
  }

  step(crossing: FlightCrossing, step: FlightStep): void {
    const { armed, flight, ring } = this
    if (step.plugin !== undefined && step.plugin === armed.plugin && !ring.has(flight)) this.#keep()
    crossing.steps.push(step)
    ring.grown(flight, sizeOfStep(step))
  }

  finished(crossing: FlightCrossing): void {
    crossing.isFinished = true
    if (crossing === this.flight.crossings[0]) this.onFirstOver()
  }

  hookAsked(plugin: string, hook: string, outcome: HookOutcome, ms: number): void {
    const crossing = this.flight.crossings[0]
    if (!crossing) return
    const nothing = { band: undefined, stage: undefined, error: undefined, before: undefined, after: undefined }
    const at = Math.max(0, this.now() - ms)
    this.step(crossing, { kind: 'hook', name: `${plugin}/${hook}`, plugin, at, ms: Math.round(ms * 1000) / 1000, outcome, ...nothing })
  }

  /** The plugin that is waited for has been called: what was noted so far is kept after all. */
  #keep(): void {
    const { flight, ring } = this
    ring.add(flight)
    for (const crossing of flight.crossings) {
      ring.grown(flight, sizeOfCrossing(crossing) + crossing.steps.reduce((sum, step) => sum + sizeOfStep(step), 0))
    }
  }
}

export type RecordedFlight = Pick<Recorded, 'now' | 'shown' | 'shownError' | 'step' | 'finished'>

function concerns(jid: Jid, wanted: Jid): boolean {
  return wanted.resource === '' ? jid.bare().equals(wanted) : jid.equals(wanted)
}
