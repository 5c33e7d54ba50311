import assert from 'node:assert/strict'
import { test } from 'node:test'
import { body, FakeSession, juliet, offlinePlugin } from '../../test/support/offline-plugin.js'
import type { OfflineConfig } from './config.js'

test('a message nobody took is kept in Openfire’s columns, and its sender’s acknowledgement is held until it is', async (t) => {
  const { undelivered, rows, holds } = await offlinePlugin(t)
  const before = Date.now()
  assert.equal(await undelivered(body('hello')), 'handled')
  assert.equal(holds.length, 1)
  await Promise.all(holds)
  const [row, ...others] = await rows()
  assert.ok(row && others.length === 0)
  const stanza = '<message from="romeo@test/home" to="juliet@test" type="chat"><body>hello</body></message>'
  assert.deepEqual(
    { ...row, creationDate: undefined },
    { username: 'juliet', messageID: row.messageID, creationDate: undefined, messageSize: stanza.length, stanza },
  )
  assert.match(row.creationDate, /^\d{15}$/)
  assert.ok(Number(row.creationDate) >= before && Number(row.creationDate) <= Date.now())
})

test('a further message for a user whose mailbox is known is kept without waiting', async (t) => {
  const { undelivered } = await offlinePlugin(t)
  assert.ok(undelivered(body('first')) instanceof Promise)
  await undelivered(body('second'))
  assert.equal(undelivered(body('third')), 'handled')
})

test('what the quota has no room for goes by the policy', async (t) => {
  const long = body('x'.repeat(300))
  const cases: [OfflineConfig['policy'], string, string, number][] = [
    ['store_and_bounce', 'handled', 'pass', 1],
    ['store_and_drop', 'handled', 'handled', 1],
    ['store', 'handled', 'handled', 2],
    ['bounce', 'pass', 'pass', 0],
    ['drop', 'handled', 'handled', 0],
  ]
  for (const [policy, first, second, kept] of cases) {
    const { undelivered, rows, holds } = await offlinePlugin(t, { policy, quotaBytes: 500 })
    assert.equal(await undelivered(long), first, policy)
    assert.equal(await undelivered(long), second, policy)
    await Promise.all(holds)
    assert.equal((await rows()).length, kept, policy)
  }
})

test('messages that come at once have one quota', async (t) => {
  const { undelivered } = await offlinePlugin(t, { quotaBytes: 500 })
  const verdicts = await Promise.all([1, 2, 3].map(async () => undelivered(body('x'.repeat(200)))))
  assert.deepEqual(verdicts, ['handled', 'pass', 'pass'])
})

test('what was handed over or deleted makes room again', async (t) => {
  const { undelivered, due, hooks, rows } = await offlinePlugin(t, { quotaBytes: 500 })
  const long = body('x'.repeat(300))
  await undelivered(long)
  assert.equal(await undelivered(long), 'pass')
  await due(new FakeSession())
  assert.equal(await undelivered(long), 'handled')
  await hooks.userDeleted?.({ user: juliet })
  assert.equal((await rows()).length, 0)
  assert.equal(await undelivered(long), 'handled')
})

test('what was accepted before and comes back is kept whatever there is room for, unless nothing is', async (t) => {
  const long = body('x'.repeat(300))
  for (const policy of ['store_and_bounce', 'store_and_drop'] as const) {
    const { undelivered, rows, holds } = await offlinePlugin(t, { policy, quotaBytes: 500 })
    for (let i = 0; i < 3; i++) assert.equal(await undelivered(long, 'type="chat"', true), 'handled', policy)
    await Promise.all(holds)
    assert.equal((await rows()).length, 3, policy)
  }
  const { undelivered } = await offlinePlugin(t, { policy: 'bounce' })
  assert.equal(await undelivered(long, 'type="chat"', true), 'pass')
})
