import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '../index.js'
import { serviceUser } from './service-user.js'
import { startTestServer } from './test-server.js'

test("services are those of the running plugin, and a reload's new version brings its own", async (t) => {
  const user = serviceUser('roster')
  assert.throws(() => user.services, /user-of-roster was not started/)
  const server = await startTestServer(t, { plugins: ['roster', user.plugin] })
  const { roster } = user.services
  assert.equal((await roster.items(Jid.parse('romeo@test'))).size, 0)
  await server.plugins.reload('roster')
  assert.notEqual(user.services.roster, roster)
})
