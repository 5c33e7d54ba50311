/**
 * MySQL commits each change of a table by itself: a server that is killed in the middle of a migration leaves some of it behind. Whatever
 * it was killed after, its next start ends with the tables that one in peace would have made.
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import type { Migration } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import { accountTables } from '../../core/auth/account-tables.js'
import { securityAuditTables } from '../../core/auth/security-audit.js'
import type { ServerDatabase } from '../../core/database/database.js'
import { pluginAsValue, SHIPPED_PLUGINS } from '../../core/shipped-plugins.js'
import { onMariaDb } from '../support/engines.js'

const plugins = await Promise.all((await readdir(SHIPPED_PLUGINS)).map(pluginAsValue))
const owners = [
  { name: 'beaconfire', tables: accountTables },
  { name: 'beaconfire-audit', tables: securityAuditTables },
  ...plugins.flatMap(({ name, tables }) => (tables?.length ? { name, tables } : [])),
]

class Killed extends Error {}

onMariaDb((newStore) => {
  for (const { name, tables } of owners) {
    test(`the tables of ${name} are made whole however often the server is killed on the way`, async (t) => {
      const store = await newStore(t)
      const database = await store.open()
      const { knex } = database.forPlugin(name)
      const isOwn = new Set(await tablesOf(knex))
      await database.migrate(name, tables)
      const whole = await definitions(knex)
      assert.ok(whole.size > isOwn.size, 'there are tables to make')
      let kills = 0
      for (let changes = 1; ; changes++) {
        await undo(knex, isOwn)
        if (!(await isKilledAfter(changes, database, name, tables))) break
        kills++
        await database.migrate(name, tables)
        assert.deepEqual(await definitions(knex), whole, `killed after ${changes} changes`)
      }
      assert.ok(kills > tables.length, 'it was killed after each change')
    })
  }
})

/** @returns false when there are not so many changes */
async function isKilledAfter(changes: number, database: ServerDatabase, owner: string, migrations: readonly Migration[]): Promise<boolean> {
  let made = 0
  const kill = ({ sql }: { readonly sql: string }) => {
    if (/^(select|rollback)/i.test(sql)) return // what has changed nothing need not be undone
    if (made++ === changes) throw new Killed('the server was killed')
  }
  const killed = migrations.map((step) => ({
    ...step,
    up(...[schema, details]: Parameters<Migration['up']>) {
      details.knex.on('query', kill)
      return step.up(schema, details)
    },
  }))
  try {
    await database.migrate(owner, killed)
    return false
  } catch (error) {
    if (error instanceof Error && error.cause instanceof Killed) return true
    throw error
  }
}

/** Of each table the statement that makes it. */
async function definitions(knex: Knex): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const table of await tablesOf(knex)) {
    const [[row]] = (await knex.raw('show create table ??', [table])) as [[Record<string, string>]]
    found.set(table, row['Create Table'] ?? '')
  }
  return found
}

async function tablesOf(knex: Knex): Promise<string[]> {
  const rows: { name: string }[] = await knex('information_schema.tables').whereRaw('table_schema = database()').select('table_name as name')
  return rows.map((it) => it.name).sort()
}

async function undo(knex: Knex, kept: ReadonlySet<string>): Promise<void> {
  for (const table of await tablesOf(knex)) if (!kept.has(table)) await knex.schema.dropTable(table)
  await knex('ofVersion').del()
}
