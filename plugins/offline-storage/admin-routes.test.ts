import assert from 'node:assert/strict'
import { test } from 'node:test'
import { body, offlinePlugin } from '../../test/support/offline-plugin.js'

test('the admin API counts what is kept', async (t) => {
  const { undelivered, admin, database } = await offlinePlugin(t)
  await undelivered(body('one'))
  await undelivered(body('two'))
  await database
    .knex('ofOffline')
    .insert({ username: 'nurse', messageID: 90_000, creationDate: '000000000000001', messageSize: 7, stanza: '<message/>' })
  const size = 2 * '<message from="romeo@test/home" to="juliet@test" type="chat"><body>one</body></message>'.length
  assert.deepEqual(await admin('/counts', { user: 'Juliet' }), { items: [{ user: 'juliet', messages: 2, size }] })
  assert.deepEqual(await admin('/counts', { user: 'romeo' }), { items: [{ user: 'romeo', messages: 0, size: 0 }] })
  const first = (await admin('/counts', { limit: 1 })) as { items: { user: string }[]; nextCursor: string }
  assert.equal(first.items[0]?.user, 'juliet')
  assert.deepEqual(await admin('/counts', { limit: 1, cursor: first.nextCursor }), { items: [{ user: 'nurse', messages: 1, size: 7 }] })
  assert.deepEqual(await admin('/total'), { messages: 3, size: size + 7 })
  await assert.rejects(admin('/counts', { user: 'a b' }), { statusCode: 400, field: 'query.user' })
})
