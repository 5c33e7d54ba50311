/** That the addresses are public as long as the plugin is there; what they say is in test/conformance/xep-0156.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import hostMeta from './index.js'

test('both forms are gone with the plugin, and back with it', async (t) => {
  const href = 'wss://web.test/ws'
  const config = { plugins: { settings: { 'host-meta': { websocket: [href] } } } }
  const server = await startTestServer(t, { plugins: [hostMeta], database: 'memory', config })
  const told = () =>
    Promise.all(['host-meta', 'host-meta.json'].map(async (it) => (await (await fetch(`${server.url}/.well-known/${it}`)).text()).includes(href)))
  assert.deepEqual(await told(), [true, true])
  await server.plugins.unload('host-meta')
  assert.deepEqual(await told(), [false, false])
  await server.plugins.reload('host-meta')
  assert.deepEqual(await told(), [true, true])
})
