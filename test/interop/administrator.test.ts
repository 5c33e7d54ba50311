import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServerProcess } from '../support/server-process.js'
import { runPeer } from './peer-process.js'
import { startWebSocketBridge } from './websocket-bridge.js'

test("npm's stanza blocks and unblocks, and runs a command of service administration (XEP-0191, XEP-0050, XEP-0133)", async (t) => {
  const server = await startServerProcess(t, { config: { admins: ['romeo@localhost'] } })
  const target = { port: server.ports.directTls ?? 0, domain: 'localhost', certificate: server.certificate }
  const websocket = await startWebSocketBridge(t, target)
  const peer = fileURLToPath(new URL('peers/stanza-administrator.ts', import.meta.url))
  assert.deepEqual(await runPeer(server, process.execPath, ['--import', 'tsx', peer], { XMPP_WEBSOCKET: websocket }), [
    'blocked: 0',
    'blocked: juliet@localhost',
    'juliet is told: service-unavailable',
    'romeo is told: not-acceptable',
    'romeo hears: And now?',
    'pushed: block juliet@localhost, unblock juliet@localhost',
    'romeo may add accounts: true, juliet: false',
    'executing: FORM_TYPE accountjid password password-verify email given_name surname, complete: true',
    'completed',
    'juliet is told: forbidden',
  ])
})
