/** The committed baselines: one for each machine, as ratios between servers differ by processor. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Baseline } from './baseline.js'

const FILE = fileURLToPath(new URL('../baseline.json', import.meta.url))

interface BaselineFile {
  readonly baselines: readonly Baseline[]
}

/**
 * That of this machine, or else the latest of another.
 * @throws when there is none, or none of these loads
 */
export function readBaseline(machine: string, quick: boolean, file = FILE): Baseline {
  const known = baselinesIn(file)
  if (known.length === 0) throw new Error('there is no baseline yet: --save-baseline makes it')
  const comparable = known.filter((it) => it.quick === quick)
  const found = comparable.find((it) => it.machine === machine) ?? comparable.at(-1)
  if (!found) throw new Error(`the baselines were made ${quick ? 'without' : 'with'} --quick: the figures cannot be compared`)
  return found
}

/** Lines of this machine that were not measured now stay as they were, and so do the baselines of other machines. */
export function writeBaseline(made: Baseline, file = FILE): void {
  const known = baselinesIn(file)
  const isEarlier = (it: Baseline) => it.machine === made.machine && it.quick === made.quick
  const lines = { ...known.find(isEarlier)?.lines, ...made.lines }
  const content: BaselineFile = { baselines: [...known.filter((it) => !isEarlier(it)), { ...made, lines }] }
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`)
}

function baselinesIn(file: string): readonly Baseline[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as BaselineFile).baselines : []
}
