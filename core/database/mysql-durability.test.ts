import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onMariaDb } from '../../test/support/engines.js'
import { loadConfig } from '../config/load-config.js'
import { createLogger } from '../log.js'
import { openDatabase } from './database.js'

onMariaDb((newStore, server) => {
  test('strict durability on a database that flushes late is warned of, and says what to set; fast is not', async (t) => {
    const admin = await (await newStore(t)).open()
    const setting = 'innodb_flush_log_at_trx_commit'
    const { database: config } = loadConfig({ env: {}, overrides: { database: { client: 'mysql', connection: server().connection } } })
    const warnings = async (durability: 'strict' | 'fast') => {
      const lines: string[] = []
      const log = createLogger({ level: 'warn', format: 'json' }, { write: (line) => void lines.push(line) })
      await (await openDatabase(config, '/nowhere', log, durability)).close()
      return lines.filter((line) => line.includes(setting))
    }
    const set = (value: number) => admin.forPlugin('').knex.raw(`set global ${setting} = ${value}`)
    await set(1)
    assert.deepEqual(await warnings('strict'), [])
    await set(2)
    assert.match((await warnings('strict')).join('\n'), /set innodb_flush_log_at_trx_commit = 1/)
    assert.deepEqual(await warnings('fast'), [])
  })
})
