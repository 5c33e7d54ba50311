/** What two versions made of the same stanza, held against each other. */
import { changeBetween, type StageName } from '../../pipeline/flight.js'
import type { Passage, PassageCrossing, PassageOutcome, StageOutcome } from './passage.js'

/** Text shown around what differs, in characters. */
const CONTEXT = 40

export type DifferenceKind = 'verdict' | 'rewrite' | 'error' | 'acts'

export interface Difference {
  readonly kind: DifferenceKind
  /** As the source calls the stanza. */
  readonly stanza: string
  readonly at: string
  readonly stage: StageName
  /** Whose session it crossed at. */
  readonly session: string
  readonly packet: string
  /** What the present version did, and the changed one. */
  readonly old: string
  readonly new: string
  /** Of rewrites: what stands in one and not in the other, with what stands around it. */
  readonly change?: string
}

const UNTOUCHED = { verdict: 'passed', detail: undefined, by: [], rewritten: undefined, acts: [], errors: [] } as const
type Effect = Omit<StageOutcome, 'crossing' | 'stage'>

/** Stages that only one of the versions came to, having rejected before, are not compared: the rejection is the difference. */
export function differencesOf(passage: Passage, old: PassageOutcome, changed: PassageOutcome): Difference[] {
  const differences: Difference[] = []
  for (const [index, crossing] of passage.crossings.entries()) {
    if (old.missed.includes(index) || changed.missed.includes(index)) continue
    const names: readonly StageName[] = crossing.incoming ? ['IN-pre', 'IN-post'] : ['OUT-pre', 'OUT-post']
    for (const stage of names) {
      const [before, after] = [effectAt(old, index, stage), effectAt(changed, index, stage)]
      differences.push(...differencesAt({ passage, crossing, stage }, before, after))
      if (before.verdict === 'rejected' || after.verdict === 'rejected') break
    }
  }
  return differences
}

function effectAt({ stages }: PassageOutcome, crossing: number, stage: StageName): Effect {
  return stages.find((it) => it.crossing === crossing && it.stage === stage) ?? UNTOUCHED
}

interface Place {
  readonly passage: Passage
  readonly crossing: PassageCrossing
  readonly stage: StageName
}

function differencesAt({ passage, crossing, stage }: Place, old: Effect, changed: Effect): Difference[] {
  const place = {
    stanza: passage.id,
    at: new Date(passage.at).toISOString(),
    stage,
    session: crossing.session.jid,
    packet: crossing.packet,
  }
  const found: Difference[] = []
  const verdicts = [old, changed].map(verdictText) as [string, string]
  if (old.verdict !== changed.verdict || old.detail !== changed.detail) {
    found.push({ kind: 'verdict', ...place, old: verdicts[0], new: verdicts[1] })
  }
  if (old.verdict === 'passed' && changed.verdict === 'passed' && old.rewritten !== changed.rewritten) {
    const [before, after] = [old.rewritten ?? crossing.packet, changed.rewritten ?? crossing.packet]
    // What the recording holds and what is written may differ in quotes alone.
    if (before !== after)
      found.push({ kind: 'rewrite', ...place, old: rewriteText(old), new: rewriteText(changed), change: shownChange(before, after) })
  }
  const errors = [old, changed].map((it) => listed(it.errors)) as [string, string]
  if (errors[0] !== errors[1]) found.push({ kind: 'error', ...place, old: errors[0], new: errors[1] })
  const acts = [old, changed].map((it) => listed(it.acts)) as [string, string]
  if (acts[0] !== acts[1]) found.push({ kind: 'acts', ...place, old: acts[0], new: acts[1] })
  return found
}

function verdictText({ verdict, detail, by }: Effect): string {
  return verdict === 'passed' ? 'passed' : `rejected by ${by.at(-1)}: ${detail}`
}

function rewriteText({ rewritten, by }: Effect): string {
  return rewritten === undefined ? 'left as it was' : `rewritten by ${by.join(', ')}`
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? 'none' : texts.join(', ')
}

/** `…Art thou not a [-Montague-]{+********+}?</body>…` */
function shownChange(before: string, after: string): string {
  const { at, removed, added } = changeBetween(before, after)
  const end = at + removed.length
  const head = `${at > CONTEXT ? '…' : ''}${before.slice(Math.max(0, at - CONTEXT), at)}`
  const tail = `${before.slice(end, end + CONTEXT)}${before.length > end + CONTEXT ? '…' : ''}`
  return `${head}${removed === '' ? '' : `[-${removed}-]`}${added === '' ? '' : `{+${added}+}`}${tail}`
}
