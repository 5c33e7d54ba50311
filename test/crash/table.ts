/** What came of a run, as a table. */
import Table from 'cli-table3'
import type { RunOptions, RunResult } from './run.js'

const HEAD = [
  'scenario',
  'engine',
  'durability',
  'seed',
  'times',
  'acknowledged',
  'refused',
  'delivered',
  'lost',
  'doubled, same id',
  'doubled, sent again',
  'doubled, no id',
  'late, stamped',
  'out of order',
  'RSS MiB',
  'seconds',
]
/** Columns of words; all others are numbers. */
const WORDS = 3

export interface Outcome {
  readonly options: RunOptions
  readonly result: RunResult
}

export function tableOf(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((_, at) => (at < WORDS ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
    wordWrap: true,
  })
  table.push(...outcomes.map(cellsOf))
  return `${table.toString()}\n`
}

function cellsOf({ options, result }: Outcome): string[] {
  const { scenario, engine, durability, seed } = options
  const { acknowledged, refused, delivered, lost, doubledSameId, sentAgain, doubledWithoutId, late, disordered } = result.figures
  const counts = [seed, result.rounds, acknowledged, refused, delivered, lost, doubledSameId, sentAgain, doubledWithoutId, late, disordered]
  return [scenario, engine, durability, ...counts.map(String), String(result.highestRss), String(result.seconds)]
}

/** Why the promise is not kept; nothing when it is. */
export function brokenPromises({ figures, highestRss, faults }: RunResult): string[] {
  const promises: [kept: boolean, otherwise: string][] = [
    [figures.lost === 0, `${figures.lost} acknowledged messages were lost`],
    [figures.doubledWithoutId === 0, `${figures.doubledWithoutId} repeats did not bear their ids`],
    [figures.disordered === 0, `${figures.disordered} messages came out of order`],
    [figures.refusedForGood === 0, `${figures.refusedForGood} messages were refused with another type than wait`],
    [highestRss < HIGHEST_RSS, `the server took ${highestRss} MiB`],
  ]
  const broken = promises.filter(([kept]) => !kept).map(([, otherwise]) => otherwise)
  return broken.length > 0 || faults.length > 0 ? [...broken, ...faults] : []
}

/** In MiB: several times what the server takes without faults. */
const HIGHEST_RSS = 600
