/** The figures as a table, for a terminal or for a Markdown page. */
import Table from 'cli-table3'
import { type Figure, isMemory, isPeer, OURS, ratioOf } from './figures.js'

const HEAD = [
  'scenario',
  'server',
  'figure',
  '× best peer',
  'per second',
  'p50 / p95 / p99 ms',
  'acknowledged p50 ms',
  'loop p99 / max ms',
  'server',
  'generator',
  'others',
  'runs',
]
/** Columns of words; all others are numbers. */
const WORDS = 2

export function terminalTable(figures: readonly Figure[]): string {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((_, at) => (at < WORDS ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  table.push(...figures.map((it) => cellsOf(it, figures)))
  return `${table.toString()}\n`
}

export function markdownTable(figures: readonly Figure[]): string {
  const rows = [HEAD, HEAD.map((_, at) => (at < WORDS ? '---' : '--:')), ...figures.map((it) => cellsOf(it, figures))]
  return `${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function cellsOf(figure: Figure, all: readonly Figure[]): string[] {
  const { acknowledgement, loopDelay } = figure
  return [
    figure.line,
    figure.server,
    figure.value === undefined ? '-' : `${number(figure.value, isMemory(figure.unit) ? 1 : 0)} ${figure.unit}`,
    comparison(figure, all),
    number(figure.perSecond),
    quantiles(figure.latency),
    acknowledgement ? number(acknowledgement.p50, 1) : '-',
    loopDelay.p99 === undefined ? '-' : `${number(loopDelay.p99, 1)} / ${number(loopDelay.max, 1)}`,
    number(figure.serverShare, 2),
    number(figure.generatorShare, 2),
    number(figure.otherShare, 2),
    figure.good === figure.all ? String(figure.all) : `${figure.good} of ${figure.all}`,
  ]
}

function quantiles(latency: Figure['latency']): string {
  return latency ? [latency.p50, latency.p95, latency.p99].map((it) => number(it, 1)).join(' / ') : '-'
}

/** Lines of these names, and the one that each is compared with where no peer can do it. */
const BESIDE = [
  { lines: 'interceptors-', reference: 'interceptors-0', called: 'none' },
  { lines: 'hostile-', reference: 'hostile-allowed', called: 'allowed' },
]

/** Ours against the best of the others; else interceptors against none of them, and offenders against clients that do all they may. */
function comparison(figure: Figure, all: readonly Figure[]): string {
  if (figure.server !== OURS) return '-'
  const ratios = all
    .filter((it) => it.line === figure.line && isPeer(it.server))
    .map((peer) => ratioOf(figure, peer))
    .filter((it) => it !== undefined)
  if (ratios.length > 0) return number(Math.min(...ratios), 2)
  const beside = BESIDE.find((it) => figure.line.startsWith(it.lines) && figure.line !== it.reference)
  const reference = beside && all.find((it) => it.line === beside.reference && it.server === OURS)
  const ratio = reference && ratioOf(figure, reference)
  return ratio === undefined ? '-' : `${number(ratio, 2)} of ${beside?.called}`
}

function number(value: number | undefined, digits = 0): string {
  return value === undefined ? '-' : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
