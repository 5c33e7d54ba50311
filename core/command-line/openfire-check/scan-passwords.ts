/** Which accounts can log in, and by what. */
import type { Database } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import { type OpenfirePasswordConfig, OpenfirePasswords } from '../../auth/openfire-passwords.js'
import { tryPreparePassword } from '../../auth/password-keys.js'
import { type PasswordRow, scramTables } from '../../auth/scram-tables.js'
import { readKeys } from '../../auth/stored-keys.js'
import type { Progress } from './progress.js'
import type { PasswordReport } from './report.js'

const PAGE = 1000
const MOST_EXAMPLES = 5

/** @param database reads inside the transaction of the check */
export async function scanPasswords(
  database: Database,
  trx: Knex,
  { version, config, total, progress }: { version: number; config: OpenfirePasswordConfig; total: number; progress: Progress },
): Promise<PasswordReport> {
  const tables = scramTables('mysql', version)
  const passwords = new OpenfirePasswords({ database, config, tables, isOpenfire: true })
  const state = await passwords.state()
  const counts = { accounts: 0, withKeys: 0, readable: 0, readableOnly: 0, plain: 0, encrypted: 0, encryptedUnreadable: 0, unverifiable: 0 }
  const examples: string[] = []
  let after = ''
  for (;;) {
    const [rows] = (await trx.raw(tables.page, [after, PAGE])) as [PasswordRow[]]
    for (const row of rows) {
      const hasKeys = readKeys('SCRAM-SHA-1', row) !== undefined
      const readable = await passwords.readable(row)
      const isReadable = readable !== undefined && tryPreparePassword(readable) !== undefined
      counts.accounts++
      if (hasKeys) counts.withKeys++
      if (isReadable) counts.readable++
      if (isReadable && !hasKeys) counts.readableOnly++
      if (row.plainPassword) counts.plain++
      if (row.encryptedPassword) counts.encrypted++
      if (row.encryptedPassword && (await passwords.readable({ ...row, plainPassword: null })) === undefined) counts.encryptedUnreadable++
      if (isReadable || hasKeys) continue
      counts.unverifiable++
      if (examples.length < MOST_EXAMPLES) examples.push(row.username)
    }
    progress.at('ofUser', counts.accounts, total)
    const last = rows.at(-1)?.username
    if (last === undefined || rows.length < PAGE || last === after) break
    after = last
  }
  const cipher =
    state.kind === 'usable' ? `read by key derivation ${state.derivation}${state.isProven ? '' : ' (there is none to prove it)'}` : state.reason
  return { ...counts, unverifiableExamples: examples, cipher }
}
