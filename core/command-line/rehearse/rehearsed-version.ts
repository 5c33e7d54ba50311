/** Leads recorded stanzas past the interceptors of one version, as the chain would, and notes what they do. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type PacketInterceptor, PacketRejected, parseStoredStanza, type RoutedNotes, type Session } from '@beaconfire/plugin-sdk'
import { wantsStage, wantsType } from '../../pipeline/compiled-chain.js'
import { type Origin, PacketCrossing } from '../../pipeline/crossing.js'
import type { StageName } from '../../pipeline/flight.js'
import { NotSettled, withinLimit } from '../../pipeline/time-limit.js'
import type { CallTimes, Passage, PassageCrossing, PassageOutcome, StageOutcome } from './passage.js'
import type { RecordedSessions } from './recorded-sessions.js'

const BANDS = ['guard', 'transform', 'observe']
const DEFAULT_BUDGET_MS = 1000
const NS_PER_MS = 1e6

export class RehearsedVersion {
  readonly #interceptors: readonly PacketInterceptor[]
  readonly #sessions: RecordedSessions
  readonly #times = new Map<string, RecordableHistogram>()
  /** Of the stage under way. */
  #acts: string[] = []

  constructor(interceptors: readonly PacketInterceptor[], sessions: RecordedSessions) {
    // Those of one user come after the global ones of their band.
    const rank = (it: PacketInterceptor) => 2 * BANDS.indexOf(it.band) + (it.user === undefined ? 0 : 1)
    this.#interceptors = [...interceptors].sort((a, b) => rank(a) - rank(b))
    this.#sessions = sessions
  }

  /** Something was asked for that is not done. */
  denied(what: string): void {
    this.#acts.push(what)
  }

  times(): Record<string, CallTimes> {
    const ms = (nanoseconds: number) => Math.round(nanoseconds / 1000) / 1000
    return Object.fromEntries(
      [...this.#times].map(([name, it]) => [name, { calls: it.count, p50: ms(it.percentile(50)), p99: ms(it.percentile(99)), max: ms(it.max) }]),
    )
  }

  /** @throws XmlError, TypeError, JidError when what was recorded is no stanza */
  async take({ at, crossings }: Passage): Promise<PassageOutcome> {
    const stages: StageOutcome[] = []
    const routed: RoutedNotes = {}
    const incoming = crossings.findIndex((it) => it.incoming)
    const missed = new Set<number>()
    const cross = async (index: number, between: () => Promise<void>) => {
      const recorded = crossings[index] as PassageCrossing
      const session = this.#sessions.enter(recorded, at)
      const crossing = new PacketCrossing(parseStoredStanza(recorded.packet), session, recorded.incoming, false, routed, this.#origin)
      const before = await this.#stage(index, crossing)
      if (before.outcome) stages.push(before.outcome)
      if (before.outcome?.verdict === 'rejected') {
        if (recorded.incoming) for (const later of crossings.keys()) if (later !== index) missed.add(later)
        return
      }
      await between()
      this.#sessions.enter(recorded, at)
      const after = await this.#stage(index, new PacketCrossing(before.crossing.packet, session, recorded.incoming, true, routed, this.#origin))
      if (after.outcome) stages.push(after.outcome)
    }
    const toRecipients = async () => {
      for (const index of crossings.keys()) if (index !== incoming) await cross(index, async () => undefined)
    }
    await (incoming < 0 ? toRecipients() : cross(incoming, toRecipients))
    return { stages, missed: [...missed] }
  }

  /** @returns no outcome when nobody wanted the stanza */
  async #stage(index: number, given: PacketCrossing): Promise<{ crossing: PacketCrossing; outcome: StageOutcome | undefined }> {
    let crossing = given
    this.#acts = []
    const by: string[] = []
    const errors: string[] = []
    let rejection: PacketRejected | undefined
    let called = 0
    const original = given.packet.toString()
    for (const it of this.#interceptors) {
      if (!isWanted(it, crossing)) continue
      called++
      const before = crossing.packet.toString()
      const error = await this.#call(it, crossing)
      rejection = error && refusalOf(it, error, crossing)
      if (error && error !== rejection) errors.push(`${it.name}: ${error.message}`)
      if (error instanceof GivenUp) crossing = crossing.detached()
      if (rejection || crossing.packet.toString() !== before) by.push(it.name)
      if (rejection) break
    }
    if (called === 0) return { crossing, outcome: undefined }
    const text = crossing.packet.toString()
    const outcome: StageOutcome = {
      crossing: index,
      stage: stageOf(given),
      verdict: rejection ? 'rejected' : 'passed',
      detail: rejection && detailOf(rejection),
      by,
      rewritten: text === original ? undefined : text,
      acts: this.#acts,
      errors,
    }
    return { crossing, outcome }
  }

  async #call(it: PacketInterceptor, crossing: PacketCrossing): Promise<Error | undefined> {
    const { budget = DEFAULT_BUDGET_MS } = it
    const startedAt = performance.now()
    try {
      const result = it.interceptPacket(crossing)
      if (result) await withinLimit('its call', () => result, budget)
      return undefined
    } catch (error) {
      if (error instanceof NotSettled) return new GivenUp(`given up after its budget of ${budget} ms`)
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      this.#took(it.name, performance.now() - startedAt)
    }
  }

  #took(name: string, ms: number): void {
    const known = this.#times.get(name)
    const histogram = known ?? createHistogram()
    if (!known) this.#times.set(name, histogram)
    histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)))
  }

  /** Nobody waits for what is held: that it was asked for is part of what a version does. */
  readonly #origin = {
    hold: (durable: Promise<unknown>) => {
      this.denied('hold')
      durable.catch((error: unknown) => this.denied(`hold that failed: ${error instanceof Error ? error.message : String(error)}`))
    },
  } as unknown as Origin
}

class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/** What a server would make of an error: a refusal, or nothing. */
function refusalOf({ onError }: PacketInterceptor, error: Error, { processed }: PacketCrossing): PacketRejected | undefined {
  if (processed) return undefined
  if (error instanceof PacketRejected) return error
  if (onError !== 'closed') return undefined
  return new PacketRejected({ condition: 'internal-server-error', text: 'A check that this server requires could not be made.' })
}

function isWanted({ when, user }: PacketInterceptor, { packet, incoming, processed, session }: PacketCrossing): boolean {
  return wantsStage(when, packet.kind, incoming, processed) && wantsType(when, packet.type) && (user === undefined || isOf(user, session))
}

function isOf(user: string, { kind, jid }: Session): boolean {
  return kind === 'client' && jid.local === user
}

function detailOf({ condition, text, silent }: PacketRejected): string {
  return [condition, text === undefined ? '' : `: ${text}`, silent ? ' (silent)' : ''].join('')
}

function stageOf({ incoming, processed }: PacketCrossing): StageName {
  if (incoming) return processed ? 'IN-post' : 'IN-pre'
  return processed ? 'OUT-post' : 'OUT-pre'
}
