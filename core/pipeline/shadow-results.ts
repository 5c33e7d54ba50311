/** How a shadow version's verdicts and rewrites compare with those of the version that serves. */
import { detachText, PacketRejected } from '@beaconfire/plugin-sdk'
import type { StageName } from './flight.js'
import { shownError } from './shown-error.js'
import { markingKey, shownStanza } from './shown-stanza.js'

/** What an interceptor made of a stanza. */
export interface Outcome {
  readonly verdict: 'passed' | 'rejected' | 'failed' | 'not-called'
  /** What it threw. */
  readonly error: unknown
  /** The stanza afterwards. */
  readonly packet: string
  readonly ms: number
}

/** The same as it may be shown. */
export interface ShownOutcome extends Omit<Outcome, 'error'> {
  /** Condition of a rejection; of an error its text, or its class where texts are not shown. */
  readonly detail: string | undefined
}

export interface Comparison<O = Outcome> {
  readonly interceptor: string
  readonly stage: StageName
  readonly jid: string
  readonly stanzaId: string | undefined
  readonly before: string
  readonly live: O
  readonly shadow: O
}

/** One comparison that came out differently. */
export interface ShadowDifference extends Comparison<ShownOutcome> {
  /** Epoch milliseconds. */
  readonly at: number
  readonly kind: 'verdict' | 'rewrite'
}

export interface ShadowCounts {
  readonly compared: number
  readonly same: number
  readonly differentVerdicts: number
  readonly differentRewrites: number
  /** Calls of the shadow that failed. */
  readonly failures: number
  /** Comparisons that were left out because the shadow could not keep up. */
  readonly dropped: number
  readonly liveMs: number
  readonly shadowMs: number
  readonly slowestShadowMs: number
  /** What the shadow wanted to do and was not let, and how often. */
  readonly denied: Readonly<Record<string, number>>
}

const MAX_DIFFERENCES = 200
/** Of one stanza shown in a difference. */
const MAX_CHARACTERS = 8192

export class ShadowResults {
  readonly #key = markingKey()
  readonly #bodies: boolean
  readonly #differences: ShadowDifference[] = []
  readonly #denied = new Map<string, number>()
  #compared = 0
  #verdicts = 0
  #rewrites = 0
  #failures = 0
  #dropped = 0
  #liveMs = 0
  #shadowMs = 0
  #slowestMs = 0

  /** @param bodies true: differences show what is said; otherwise only how long texts are, and whether they are the same */
  constructor(bodies: boolean) {
    this.#bodies = bodies
  }

  compared(comparison: Comparison): void {
    const { live, shadow } = comparison
    this.#compared++
    this.#liveMs += live.ms
    this.#shadowMs += shadow.ms
    this.#slowestMs = Math.max(this.#slowestMs, shadow.ms)
    if (shadow.verdict === 'failed') this.#failures++
    const kind = differenceOf(live, shadow)
    if (kind === undefined) return
    if (kind === 'verdict') this.#verdicts++
    else this.#rewrites++
    this.#differences.push({ ...this.#shown(comparison), at: Date.now(), kind })
    if (this.#differences.length > MAX_DIFFERENCES) this.#differences.shift()
  }

  dropped(): void {
    this.#dropped++
  }

  denied(what: string): void {
    this.#denied.set(what, (this.#denied.get(what) ?? 0) + 1)
  }

  counts(): ShadowCounts {
    return {
      compared: this.#compared,
      same: this.#compared - this.#verdicts - this.#rewrites,
      differentVerdicts: this.#verdicts,
      differentRewrites: this.#rewrites,
      failures: this.#failures,
      dropped: this.#dropped,
      liveMs: Math.round(this.#liveMs * 1000) / 1000,
      shadowMs: Math.round(this.#shadowMs * 1000) / 1000,
      slowestShadowMs: Math.round(this.#slowestMs * 1000) / 1000,
      denied: Object.fromEntries(this.#denied),
    }
  }

  /** The last ones, newest first. */
  differences(): readonly ShadowDifference[] {
    return this.#differences.toReversed()
  }

  #shown({ live, shadow, before, ...rest }: Comparison): Comparison<ShownOutcome> {
    return { ...rest, before: this.#text(before), live: this.#shownOutcome(live), shadow: this.#shownOutcome(shadow) }
  }

  #shownOutcome({ verdict, error, packet, ms }: Outcome): ShownOutcome {
    const detail = conditionOf(error) ?? (error === undefined ? undefined : shownError(error, this.#bodies))
    return { verdict, detail, packet: this.#text(packet), ms }
  }

  #text(xml: string): string {
    const text = shownStanza(xml, this.#bodies, this.#key)
    return text.length > MAX_CHARACTERS ? detachText(`${text.slice(0, MAX_CHARACTERS)}…`) : text
  }
}

/** One that is not called lets pass what it would not have changed. */
function differenceOf(live: Outcome, shadow: Outcome): 'verdict' | 'rewrite' | undefined {
  const verdict = (it: Outcome) => (it.verdict === 'not-called' ? 'passed' : it.verdict)
  if (verdict(live) !== verdict(shadow)) return 'verdict'
  if (live.verdict === 'rejected') return conditionOf(live.error) === conditionOf(shadow.error) ? undefined : 'verdict'
  return live.packet === shadow.packet ? undefined : 'rewrite'
}

function conditionOf(error: unknown): string | undefined {
  return error instanceof PacketRejected ? error.condition : undefined
}
