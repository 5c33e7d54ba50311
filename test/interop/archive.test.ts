import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServerProcess } from '../support/server-process.js'
import { runPeer } from './peer-process.js'
import { startWebSocketBridge } from './websocket-bridge.js'

test("npm's stanza pages through an archive, finds by contact, and sets preferences (XEP-0313, XEP-0441)", async (t) => {
  const server = await startServerProcess(t)
  const target = { port: server.ports.directTls ?? 0, domain: 'localhost', certificate: server.certificate }
  const websocket = await startWebSocketBridge(t, target)
  const peer = fileURLToPath(new URL('peers/stanza-archive.ts', import.meta.url))
  assert.deepEqual(await runPeer(server, process.execPath, ['--import', 'tsx', peer], { XMPP_WEBSOCKET: websocket }), [
    'archive told: true',
    'fields: FORM_TYPE with start end before-id after-id ids include-groupchat',
    'first page: one two, complete: false, of 3',
    'second page: three, complete: true',
    'ids are those of the live messages: true',
    'last page: far away, times: true',
    'with juliet: far away',
    'unknown id: item-not-found',
    'preferences: never, always juliet@localhost',
  ])
})
