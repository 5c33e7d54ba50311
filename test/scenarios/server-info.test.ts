import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'

test('the admin API tells what listens where, and that the server is ready', async (t) => {
  const server = await startTestServer(t, { plugins: [ping] })
  const { listeners } = (await (await server.admin('/api/v1/server')).json()) as { listeners: unknown }
  assert.deepEqual(listeners, [
    { name: 'c2s', host: '127.0.0.1', port: server.ports.c2s },
    { name: 'c2s, direct TLS', host: '127.0.0.1', port: server.ports.directTls },
  ])
  assert.equal((await server.admin('/readyz')).status, 200)
})
