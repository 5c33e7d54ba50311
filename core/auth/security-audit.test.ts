import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDatabase } from './memory-database.js'
import { SecurityAudit, securityAuditTables } from './security-audit.js'

test('administrative acts are recorded and listed newest first, page by page, what is too long cut', async () => {
  const database = await memoryDatabase(securityAuditTables)
  try {
    const audit = new SecurityAudit(database, 'node-1')
    await audit.record({ administrator: 'admin', summary: 'created user alice' })
    await audit.record({ administrator: 'x'.repeat(70), summary: '😀'.repeat(300), details: 'why' })
    const [newest, oldest] = await audit.list({ limit: 10 })
    assert.equal(newest?.administrator.length, 64)
    assert.equal(newest?.summary, '😀'.repeat(255))
    assert.equal(newest?.details, 'why')
    assert.deepEqual([oldest?.administrator, oldest?.summary, oldest?.node, oldest?.details], ['admin', 'created user alice', 'node-1', undefined])
    assert.ok(Math.abs(Date.now() - (oldest?.at.getTime() ?? 0)) < 60_000)
    assert.deepEqual(await audit.list({ limit: 10, before: newest?.id ?? 0 }), [oldest])
    assert.deepEqual(await audit.list({ limit: 10, administrator: 'admin' }), [oldest])
    assert.deepEqual(await audit.list({ limit: 10, to: new Date(0) }), [])
    await assert.rejects(audit.list({ limit: 1001 }), RangeError)
  } finally {
    await database.close()
  }
})
