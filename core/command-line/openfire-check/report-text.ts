/** The report as text for a terminal. */
import type { CheckReport, TableUse } from './report.js'

const USES: Readonly<Record<TableUse, string>> = {
  served: 'served in place',
  read: 'read',
  kept: 'kept as it is',
  own: "this server's own",
  unknown: 'unknown, kept as it is',
}

export function reportText(report: CheckReport): string {
  const { schemaVersion, monitoringVersion, passwords } = report
  const versions = [
    `Database ${clean(report.database)}: ${schemaVersion === undefined ? 'none of Openfire' : `Openfire's schema version ${schemaVersion}`}`,
    ...(monitoringVersion === undefined ? [] : [`Archives of the monitoring plugin: version ${monitoringVersion}`]),
  ]
  const width = Math.max(0, ...report.tables.map((it) => it.name.length))
  const tables = report.tables.map((it) => `  ${clean(it.name).padEnd(width)}  ${String(it.rows).padStart(10)}  ${USES[it.use]}`)
  return [
    versions.join('\n'),
    section('Tables and rows', tables),
    passwords && section('Passwords', passwordLines(passwords)),
    section(
      'System properties that are honoured',
      report.honoured.map(({ property, key }) => `  ${property} as ${key}`),
    ),
    section(
      'System properties that the configuration overrules',
      report.overruled.map(({ property, key }) => `  ${property} by ${key}`),
    ),
    section(
      'Rows that cannot be understood',
      report.findings.map((it) => `  ${it.table}: ${it.rows}: ${it.what} (${clean(it.examples.join('; '))})`),
    ),
    section('Good to know', report.notes.map(item)),
    section('Will not be as it was', report.losses.map(item)),
    section('Must not be served', report.blocking.map(item)),
    verdict(report),
    '',
  ]
    .filter((it) => it !== undefined)
    .join('\n')
}

function passwordLines(passwords: NonNullable<CheckReport['passwords']>): string[] {
  return [
    `  ${passwords.accounts} accounts`,
    `  ${passwords.withKeys} have keys of SCRAM-SHA-1: by SCRAM, and PLAIN inside TLS`,
    `  ${passwords.readable} have a password that can be read (${passwords.plain} plain, ${passwords.encrypted} encrypted): by every mechanism`,
    `  ${passwords.readableOnly} of these have no keys yet: they are made at the first login`,
    `  ${passwords.unverifiable} have neither`,
    `  encrypted passwords: ${clean(passwords.cipher)}`,
  ]
}

function verdict({ blocking, losses }: CheckReport): string {
  if (blocking.length > 0) return '\nNot safe: nothing was changed, and nothing should be served.'
  return losses.length > 0 ? '\nSafe to serve, with what is named above. Nothing was changed.' : '\nSafe to serve. Nothing was changed.'
}

function section(title: string, lines: readonly string[]): string | undefined {
  return lines.length === 0 ? undefined : `\n${title}\n${lines.join('\n')}`
}

function item(text: string): string {
  return `  ${clean(text)}`
}

/** Rows of others may hold what a terminal would obey. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?')
}
