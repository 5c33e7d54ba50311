/** What the flight recorder knows of one stanza: every step of its way, in order, with the time each took. */
import type { Band, Session, StanzaKind } from '@beaconfire/plugin-sdk'
import type { CallOutcome } from './stage-run.js'

/** `incoming, not processed` is IN-pre, and so on (design §2). */
export type StageName = 'IN-pre' | 'IN-post' | 'OUT-pre' | 'OUT-post'

/** What a step is at: one object for all stanzas, as a flight has dozens of steps and thousands of flights are kept. */
export interface Waypoint {
  readonly kind: 'interceptor' | 'hook' | 'route' | 'deliver'
  /** `plugin/name` of an interceptor, `plugin/hook` of a hook. */
  readonly name: string
  readonly plugin: string | undefined
  readonly band: Band | undefined
  /** Undefined for what happens between two stages. */
  readonly stage: StageName | undefined
}

export interface FlightStep {
  readonly waypoint: Waypoint
  /** When it began, in whole microseconds since the flight did. */
  readonly at: number
  /** How long it took, in whole microseconds. */
  readonly took: number
  /** `done` and `undelivered` are what routing and delivery come to, `handled` and `pass` what a hook says. */
  readonly outcome: CallOutcome | 'done' | 'undelivered' | 'handled' | 'pass'
  /** Undefined where it threw nothing and changed nothing. */
  readonly mark: FlightMark | undefined
}

/** What a step left behind. */
export interface FlightMark {
  /** Without bodies its condition, or its class, in place of its text. */
  readonly error: string | undefined
  /** The stanza before and after it, where they differ. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** One crossing of the chain: the stanza's own when incoming, one for each recipient when not. */
export interface FlightCrossing {
  readonly incoming: boolean
  readonly session: Pick<Session, 'kind' | 'id' | 'remoteAddress' | 'secure'> & { readonly jid: string }
  /** The stanza as the first interceptor saw it. */
  readonly packet: string
  readonly steps: FlightStep[]
  isFinished: boolean
}

export interface Flight {
  readonly id: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly kind: StanzaKind
  readonly type: string
  readonly stanzaId: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  /** False: texts are left out. */
  readonly bodies: boolean
  readonly crossings: FlightCrossing[]
  /** Crossings that were not recorded, the stanza having more recipients than are. */
  omitted: number
}

/** Bytes of memory, roughly: a character is two, an object a few dozen. */
export function sizeOfStep({ mark }: FlightStep): number {
  if (mark === undefined) return 80
  const { before = '', after = '', error = '' } = mark
  return 150 + 2 * (before.length + after.length + error.length)
}

export function sizeOfCrossing({ packet }: FlightCrossing): number {
  return 300 + 2 * packet.length
}

/** The part of two texts that differs: what stands between their common beginning and their common end. */
export function changeBetween(before: string, after: string): { readonly at: number; readonly removed: string; readonly added: string } {
  const shorter = Math.min(before.length, after.length)
  let at = 0
  while (at < shorter && before[at] === after[at]) at++
  let end = 0
  while (end < shorter - at && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { at, removed: before.slice(at, before.length - end), added: after.slice(at, after.length - end) }
}
