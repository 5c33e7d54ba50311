/** Looks at every row that will be served, and names those that cannot be understood. */
import { type Database, fromDateColumn, Jid, JidError, parseElement, parseStoredStanza, XmlError } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { Progress } from './progress.js'
import type { Finding, TableReport } from './report.js'

type Row = Readonly<Record<string, string | number | null>>
/** @returns what is wrong with the row, in words */
type Test = (row: Row) => string | undefined

interface Scan {
  readonly table: string
  readonly columns: readonly string[]
  /** Names a row to the operator. */
  readonly key: readonly string[]
  readonly test: Test
}

const MOST_EXAMPLES = 5

export function scansOf(domain: string): readonly Scan[] {
  const account: Test = (row) => usernameFault(String(row.username), domain)
  const scan = (table: string, key: readonly string[], columns: readonly string[], ...tests: readonly Test[]): Scan => {
    return { table, key, columns: [...new Set([...key, ...columns])], test: (row) => first(tests, row) }
  }
  return [
    scan('ofUser', ['username'], ['creationDate', 'modificationDate'], account, date('creationDate'), date('modificationDate')),
    scan('ofUserFlag', ['username', 'name'], ['startTime', 'endTime'], date('startTime'), date('endTime')),
    scan('ofRoster', ['rosterID'], ['username', 'jid', 'sub', 'ask', 'recv'], address('jid'), rosterCodes),
    scan('ofOffline', ['username', 'messageID'], ['creationDate', 'stanza'], date('creationDate'), message('stanza')),
    scan('ofPresence', ['username'], ['offlineDate', 'offlinePresence'], date('offlineDate'), xml('offlinePresence')),
    scan('ofVCard', ['username'], ['vcard'], xml('vcard')),
    scan('ofPrivate', ['username', 'name', 'namespace'], ['privateData'], xml('privateData')),
    scan('ofPrivacyList', ['username', 'name'], ['list'], xml('list')),
    scan('ofGroupUser', ['groupName', 'username'], [], (row) => memberFault(String(row.username), domain)),
  ]
}

export async function scanRows(trx: Knex, scan: Scan, table: TableReport, progress: Progress): Promise<Finding[]> {
  const findings = new Map<string, { rows: number; examples: string[] }>()
  let done = 0
  // the driver hands over one row after the other, however many there are
  for await (const row of trx(scan.table).select(scan.columns).stream() as AsyncIterable<Row>) {
    progress.at(scan.table, ++done, table.rows)
    const what = scan.test(row)
    if (what === undefined) continue
    const finding = findings.get(what) ?? { rows: 0, examples: [] }
    finding.rows++
    if (finding.examples.length < MOST_EXAMPLES) finding.examples.push(scan.key.map((it) => String(row[it])).join(', '))
    findings.set(what, finding)
  }
  return [...findings].map(([what, finding]) => ({ table: scan.table, what, ...finding }))
}

/** Contacts that are in a roster more than once. */
export async function findDuplicates(trx: Knex): Promise<Finding[]> {
  const rows: { username: string; jid: string }[] = await trx('ofRoster')
    .groupBy('username', 'jid')
    .having(trx.raw('count(*) > 1'))
    .select('username', 'jid')
  if (rows.length === 0) return []
  const examples = rows.slice(0, MOST_EXAMPLES).map(({ username, jid }) => `${username}, ${jid}`)
  return [{ table: 'ofRoster', what: 'the contact is in the roster more than once: one is shown', rows: rows.length, examples }]
}

function first(tests: readonly Test[], row: Row): string | undefined {
  for (const test of tests) {
    const what = test(row)
    if (what !== undefined) return what
  }
  return undefined
}

function usernameFault(username: string, domain: string): string | undefined {
  const prepared = Jid.tryParse(`${username}@${domain}`)
  if (prepared?.resource !== '') return 'the username is no localpart of an address (RFC 7622): the account cannot be reached'
  return prepared.local === username ? undefined : 'the username is not prepared (RFC 7622): the account cannot be reached'
}

function memberFault(member: string, domain: string): string | undefined {
  return Jid.tryParse(member.includes('@') ? member : `${member}@${domain}`) ? undefined : 'the member of the group is no address: not shown'
}

function date(column: string): Test {
  return (row) => {
    const value = row[column]
    if (value === null) return undefined
    try {
      fromDateColumn(String(value))
      return undefined
    } catch (error) {
      if (error instanceof RangeError) return `${column} is no date: taken for long ago`
      throw error
    }
  }
}

function address(column: string): Test {
  return (row) => (Jid.tryParse(String(row[column])) ? undefined : `${column} is no address: the row is not shown`)
}

const rosterCodes: Test = ({ sub, ask, recv }) => {
  const isKnown = [-1, 0, 1, 2, 3].includes(Number(sub)) && [-1, 0, 1].includes(Number(ask)) && [-1, 1, 2].includes(Number(recv))
  return isKnown ? undefined : 'sub, ask or recv has a value that is none: taken for none'
}

function xml(column: string): Test {
  return (row) => {
    const text = row[column]
    if (text === null || text === '') return undefined
    return isReadable(() => parseElement(String(text))) ? undefined : `${column} is no XML: not served, and left as it is`
  }
}

function message(column: string): Test {
  return (row) => {
    const isMessage = isReadable(() => {
      const stanza = parseStoredStanza(String(row[column]))
      void [stanza.from, stanza.to]
      if (stanza.kind !== 'message') throw new TypeError('no message')
    })
    return isMessage ? undefined : `${column} is no message that can be read as it is: handed over where that can be mended, else left`
  }
}

function isReadable(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof XmlError || error instanceof TypeError || error instanceof JidError) return false
    throw error
  }
}

/** The part of the SDK's database that readers of core take, inside a transaction that only reads. */
export function readingDatabase(trx: Knex): Database {
  const refuse = () => {
    throw new Error('the check writes nothing')
  }
  return {
    client: 'mysql',
    knex: trx,
    read: async <R extends object>(sql: string, bindings: readonly unknown[]) => ((await trx.raw(sql, bindings as Knex.RawBinding[])) as [R[]])[0],
    transaction: refuse,
    appender: refuse,
    nextId: refuse,
    isDuplicate: () => false,
  }
}
