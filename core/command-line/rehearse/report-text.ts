/** The report of a rehearsal for people. */
import type { Difference } from './compare.js'
import type { CallTimes } from './passage.js'
import type { RehearsalReport, VersionReport } from './report.js'

/** Control characters of recorded texts must not steer a terminal. */
const CONTROLS = /\p{Cc}/gu
const LONGEST_PACKET = 500

export function reportText(report: RehearsalReport): string {
  const { plugin, source, stanzas, unreadable, notes } = report
  const lines = [
    `plugin ${plugin}: ${stanzas} stanzas of ${source}`,
    `  old: ${versionText(report.old)}`,
    `  new: ${versionText(report.new)}`,
    ...(unreadable > 0 ? [`  ${unreadable} recorded stanzas could not be read, and were passed over`] : []),
    ...notes.map((note) => `  note: ${note}`),
    '',
    ...timesText(report),
    ...deniedText(report),
    ...errorsText(report),
    ...report.differences.flatMap(differenceText),
    resultText(report),
  ]
  return `${lines.map((line) => line.replace(CONTROLS, '\ufffd')).join('\n')}\n`
}

function versionText({ version, folder }: VersionReport): string {
  return `${version} from ${folder}`
}

function timesText({ times }: RehearsalReport): string[] {
  const names = Object.entries(times)
  if (names.length === 0) return ['no interceptor was called', '']
  const width = Math.max(...names.map(([name]) => name.length))
  const rows = names.map(([name, { old, new: changed }]) => `  ${name.padEnd(width)}  old ${timeText(old)}   new ${timeText(changed)}`)
  return ['time per call in ms (p50 / p99):', ...rows, '']
}

function timeText(times: CallTimes | undefined): string {
  return times ? `${times.p50.toFixed(3)} / ${times.p99.toFixed(3)} in ${times.calls} calls` : 'not called'
}

function deniedText(report: RehearsalReport): string[] {
  const lines = (['old', 'new'] as const).flatMap((version) =>
    Object.entries(report[version].denied).map(([what, count]) => `  ${version}: ${what}, ${count} times`),
  )
  return lines.length === 0 ? [] : ['asked for and not done:', ...lines, '']
}

function errorsText({ errors }: RehearsalReport): string[] {
  if (errors.length === 0) return []
  return ['errors:', ...errors.map((it) => `  ${it.version}: ${it.error} (${it.count} times, first at stanza ${it.stanza})`), '']
}

function differenceText({ kind, stanza, at, stage, session, packet, old, new: changed, change }: Difference): string[] {
  return [
    `${kind} differs: stanza ${stanza} of ${at}, ${stage} at ${session}`,
    `  stanza: ${packet.length > LONGEST_PACKET ? `${packet.slice(0, LONGEST_PACKET)}…` : packet}`,
    `  old: ${old}`,
    `  new: ${changed}`,
    ...(change === undefined ? [] : [`  change: ${change}`]),
    '',
  ]
}

function resultText({ counts, differences, differing, stanzas }: RehearsalReport): string {
  if (differing === 0) return 'both versions do the same'
  const { verdict, rewrite, error, acts } = counts
  const total = verdict + rewrite + error + acts
  const shown = differences.length < total ? `, of which ${differences.length} are shown` : ''
  return `${differing} of ${stanzas} stanzas differ: ${verdict} verdicts, ${rewrite} rewrites, ${error} errors, ${acts} acts${shown}`
}
