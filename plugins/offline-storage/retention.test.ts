import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toDateColumn } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import offlineStorage from './index.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

test('what was kept for longer than it may be is deleted within the hour, and nobody gets it any more', async (t) => {
  const config = { plugins: { settings: { 'offline-storage': { retentionDays: 7 } } } }
  const server = await startTestServer(t, { plugins: [roster, presence, offlineStorage], config, clock: 'virtual' })
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  for (const body of ['old', 'younger']) romeo.send(`<message to="juliet@test" type="chat"><body>${body}</body></message>`)
  await romeo.sync()
  const { knex } = server.database.forPlugin('test')
  const kept = (): Promise<unknown[]> => knex('ofOffline').select('stanza')
  await knex('ofOffline')
    .whereLike('stanza', '%old%')
    .update({ creationDate: toDateColumn(server.clock.now - 7 * DAY_MS - 1) })

  await server.clock.jump(HOUR_MS)
  for (let looks = 0; (await kept()).length > 1; looks++) assert.ok(looks < 10_000, 'nothing was deleted')
  const juliet = await server.login('juliet')
  const message = await juliet.receive('message')
  assert.equal(message.getChildText('body'), 'younger')
  await juliet.receiveNothing('message')
})

test('while its table cannot be written, a message that nobody takes comes back to its sender; afterwards it is kept again', async (t) => {
  const server = await startTestServer(t, { plugins: [roster, presence, offlineStorage] })
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  const fault = server.breakDatabase({ plugin: 'offline-storage', fail: new Error('disk full') })
  romeo.send('<message to="juliet@test" id="1" type="chat"><body>lost</body></message>')
  await romeo.expect('<message type="error" id="1" from="juliet@test"><error type="wait"/></message>', { extras: true })
  assert.ok(fault.hits > 0)
  fault.mend()
  romeo.send('<message to="juliet@test" id="2" type="chat"><body>kept</body></message>')
  await romeo.receiveNothing('message')
  const juliet = await server.login('juliet')
  assert.equal((await juliet.receive('message')).getChildText('body'), 'kept')
})
