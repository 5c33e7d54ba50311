/**
 * Puts the interceptors of a shadow version beside those that serve. Each sees a copy of every stanza that its counterpart, the one of
 * the same name, meets; what it does to the copy is compared and thrown away.
 */
import {
  type Crossing,
  isPromise,
  type MaybePromise,
  type PacketInterceptor,
  PacketRejected,
  type RoutedNotes,
  type Session,
  type Stanza,
} from '@beaconfire/plugin-sdk'
import type { ArrangedShadow, InterceptorShadow } from './chain-watch.js'
import { wantsStage, wantsType } from './compiled-chain.js'
import { type Origin, PacketCrossing } from './crossing.js'
import type { StageName } from './flight.js'
import { ShadowQueue } from './shadow-queue.js'
import type { Outcome, ShadowResults } from './shadow-results.js'
import { withinLimit } from './time-limit.js'

const DEFAULT_BUDGET_MS = 1000
/** Nothing that a shadow asks for is waited for. */
const NOBODY = { hold: () => undefined } as unknown as Origin

export class ShadowInterceptors implements InterceptorShadow {
  readonly #interceptors: readonly PacketInterceptor[]
  readonly #results: ShadowResults
  readonly #shadowOf: (session: Session) => Session
  readonly #queue = new ShadowQueue()
  /** The shadow's notes on stanzas, apart from those of plugins that serve. */
  readonly #notes = new WeakMap<RoutedNotes, RoutedNotes>()

  /** @param shadowOf a session that can be looked at and does nothing */
  constructor(interceptors: readonly PacketInterceptor[], results: ShadowResults, shadowOf: (session: Session) => Session) {
    this.#interceptors = interceptors
    this.#results = results
    this.#shadowOf = shadowOf
  }

  arrange(serving: readonly PacketInterceptor[]): ArrangedShadow {
    const beside = new Map<PacketInterceptor, PacketInterceptor>()
    const alone: PacketInterceptor[] = []
    for (const shadow of this.#interceptors) {
      const live = serving.find((it) => it.name === shadow.name && it.user === shadow.user)
      // It may want stanzas that the one that serves does not.
      if (!live || JSON.stringify(live.when) !== JSON.stringify(shadow.when)) alone.push(this.#apart(shadow, live))
    }
    for (const live of serving) {
      const shadow = this.#interceptors.find((it) => it.name === live.name && it.user === live.user)
      beside.set(live, this.#pair(live, shadow))
    }
    return { beside, alone }
  }

  /** What waits is not looked at any more. */
  close(): void {
    this.#queue.close()
  }

  /** The two as one: the serving one acts, and what it did is noted for the other. */
  #pair(live: PacketInterceptor, shadow: PacketInterceptor | undefined): PacketInterceptor {
    return { ...live, interceptPacket: (crossing) => this.#intercept(live, shadow, crossing) }
  }

  /** The shadow alone, for stanzas that the serving one does not want. */
  #apart(shadow: PacketInterceptor, live: PacketInterceptor | undefined): PacketInterceptor {
    const { name, band, when, user } = shadow
    return {
      name,
      band,
      ...(when && { when }),
      ...(user !== undefined && { user }),
      readOnly: true,
      interceptPacket: (crossing) => {
        if (live && isWanted(live, crossing)) return
        const copy = crossing.packet.clone()
        this.#tryLater(shadow, crossing, copy, notCalled(copy))
      },
    }
  }

  #intercept(live: PacketInterceptor, shadow: PacketInterceptor | undefined, crossing: Crossing): MaybePromise<void> {
    const { packet } = crossing
    const copy = packet.clone()
    const startedAt = performance.now()
    const over = (error?: unknown) => this.#tryLater(shadow ?? live, crossing, copy, outcomeOf(packet, startedAt, error), shadow !== undefined)
    const failed = (error: unknown): never => {
      over(error ?? new Error('failed without a reason'))
      throw error
    }
    try {
      const result = live.interceptPacket(crossing)
      if (isPromise(result)) return result.then(() => over(), failed)
    } catch (error) {
      failed(error)
    }
    over()
  }

  /** @param isThere false when the shadow version has no such interceptor any more */
  #tryLater(interceptor: PacketInterceptor, crossing: Crossing, copy: Stanza, live: Outcome, isThere = true): void {
    const { incoming, processed, routed, session } = crossing
    const seen = new PacketCrossing(copy, this.#shadowOf(session), incoming, processed, this.#notesOn(routed), NOBODY)
    const before = copy.toString()
    const trial = async () => {
      const outcome = isThere ? await this.#try(interceptor, seen) : notCalled(copy)
      this.#results.compared({
        interceptor: interceptor.name,
        stage: stageOf(crossing),
        jid: session.jid.toString(),
        stanzaId: copy.id,
        before,
        live,
        shadow: outcome,
      })
    }
    if (!this.#queue.add(trial)) this.#results.dropped()
  }

  async #try(shadow: PacketInterceptor, crossing: PacketCrossing): Promise<Outcome> {
    const { packet } = crossing
    if (!isWanted(shadow, crossing)) return notCalled(packet)
    const startedAt = performance.now()
    try {
      await withinLimit('the shadow', () => shadow.interceptPacket(crossing), shadow.budget ?? DEFAULT_BUDGET_MS)
      return outcomeOf(packet, startedAt, undefined)
    } catch (error) {
      return outcomeOf(packet, startedAt, error ?? new Error('failed without a reason'))
    }
  }

  #notesOn(routed: RoutedNotes): RoutedNotes {
    const known = this.#notes.get(routed)
    if (known) return known
    const notes: RoutedNotes = {}
    this.#notes.set(routed, notes)
    return notes
  }
}

function isWanted({ when }: PacketInterceptor, { packet, incoming, processed }: Crossing): boolean {
  return wantsStage(when, packet.kind, incoming, processed) && wantsType(when, packet.type)
}

function notCalled(packet: Stanza): Outcome {
  return { verdict: 'not-called', error: undefined, packet: packet.toString(), ms: 0 }
}

function outcomeOf(packet: Stanza, startedAt: number, error: unknown): Outcome {
  const ms = Math.round((performance.now() - startedAt) * 1000) / 1000
  const verdict = error === undefined ? 'passed' : error instanceof PacketRejected ? 'rejected' : 'failed'
  return { verdict, error, packet: packet.toString(), ms }
}

function stageOf({ incoming, processed }: Crossing): StageName {
  if (incoming) return processed ? 'IN-post' : 'IN-pre'
  return processed ? 'OUT-post' : 'OUT-pre'
}
