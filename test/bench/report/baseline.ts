/** The committed figures: as ratios to what was measured in the same run, since absolute ones move with the machine. */
import { geometricMean, median, round } from '../measure/statistics.js'
import { type Figure, isMemory, isPeer, OURS, ratioOf, type Unit } from './figures.js'

const CALIBRATION = 'calibration'
/** Less than this of the baseline's ratio is a loss. */
const TOLERANCE = 0.9

export interface BaselineLine {
  readonly value: number
  readonly unit: Unit
  /** Ours to each peer, and to the calibration loop: larger is better. */
  readonly ratios: Readonly<Record<string, number>>
}

export interface Baseline {
  readonly made: string
  readonly machine: string
  readonly quick: boolean
  readonly lines: Readonly<Record<string, BaselineLine>>
}

export interface Verdict {
  readonly line: string
  readonly scenario: string
  /** 1 is as good as the baseline, 0.8 a loss of a fifth. */
  readonly change: number
  /** What both were compared with. */
  readonly references: readonly string[]
  readonly isLoss: boolean
}

export function baselineLines(figures: readonly Figure[], calibrations: readonly number[]): Record<string, BaselineLine> {
  const lines: Record<string, BaselineLine> = {}
  for (const figure of figures) {
    if (figure.server !== OURS || figure.value === undefined) continue
    lines[figure.line] = { value: round(figure.value, 1), unit: figure.unit, ratios: ratios(figure, figures, calibrations) }
  }
  return lines
}

/** Lines that were measured now and are in the baseline. */
export function compare(baseline: Baseline, figures: readonly Figure[], calibrations: readonly number[]): Verdict[] {
  const now = baselineLines(figures, calibrations)
  return Object.entries(baseline.lines).flatMap(([line, before]) => {
    const after = now[line]
    const scenario = figures.find((it) => it.line === line)?.scenario
    if (!after || !scenario) return []
    const { change, references } = changeBetween(before, after)
    return [{ line, scenario, change: round(change), references, isLoss: change < TOLERANCE }]
  })
}

/** Peers first, all that both runs have; the calibration loop where there is none; bare memory is compared as it is. */
function changeBetween(before: BaselineLine, after: BaselineLine): Pick<Verdict, 'change' | 'references'> {
  const common = Object.keys(before.ratios).filter((it) => after.ratios[it] !== undefined)
  const peers = common.filter((it) => it !== CALIBRATION)
  const references = peers.length > 0 ? peers : common
  if (references.length === 0) return { change: ratioOf(after, before) ?? 1, references: ['itself'] }
  return { change: geometricMean(references.map((it) => (after.ratios[it] ?? 1) / (before.ratios[it] ?? 1))), references }
}

function ratios(figure: Figure, figures: readonly Figure[], calibrations: readonly number[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const peer of figures) {
    const ratio = peer.line === figure.line && isPeer(peer.server) ? ratioOf(figure, peer) : undefined
    if (ratio !== undefined) found[peer.server] = round(ratio, 4)
  }
  const score = median(calibrations)
  // An open loop's wall rate and memory do not move with the speed of a core.
  if (score && figure.value && !isMemory(figure.unit)) found[CALIBRATION] = round((figure.value / score) * 1000, 4)
  return found
}
