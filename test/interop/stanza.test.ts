import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServerProcess } from '../support/server-process.js'
import { EXPECTED_FACTS, runPeer } from './peer-process.js'
import { startWebSocketBridge } from './websocket-bridge.js'

test("npm's stanza registers, logs in, subscribes, chats and gets what it missed, by direct TLS through a bridge", async (t) => {
  const server = await startServerProcess(t)
  const target = { port: server.ports.directTls ?? 0, domain: 'localhost', certificate: server.certificate }
  const websocket = await startWebSocketBridge(t, target)
  const peer = fileURLToPath(new URL('peers/stanza.ts', import.meta.url))
  assert.deepEqual(await runPeer(server, process.execPath, ['--import', 'tsx', peer], { XMPP_WEBSOCKET: websocket }), EXPECTED_FACTS)
})
