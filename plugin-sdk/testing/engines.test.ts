import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines } from './engines.js'
import { startTestServer } from './test-server.js'

onBothEngines((newDatabase, client) => {
  test('a server runs on the engine that was asked for, and each new database is empty', async (t) => {
    const first = await startTestServer(t, { plugins: [], database: await newDatabase() })
    assert.equal(first.config.database.client, client)
    await first.login('romeo')
    const second = await startTestServer(t, { plugins: [], database: await newDatabase() })
    assert.equal(await second.accounts.find('romeo'), undefined)
  })
})
