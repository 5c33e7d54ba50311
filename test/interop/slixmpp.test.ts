import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { programOrSkip } from '../support/programs.js'
import { startServerProcess } from '../support/server-process.js'
import { EXPECTED_FACTS, runPeer } from './peer-process.js'

test("Debian's slixmpp registers, logs in, subscribes, chats and gets what it missed", async (t) => {
  const python = programOrSkip(t, { name: 'python3', debianPackage: 'python3-slixmpp', probe: ['-c', 'import slixmpp'] })
  if (!python) return
  // slixmpp 1.8 binds to tls-unique alone, also over TLS 1.3, which has none: offered other types it falls back to PLAIN.
  const server = await startServerProcess(t, { env: { BEACONFIRE_C2S_CHANNEL_BINDING: 'false' } })
  const peer = fileURLToPath(new URL('peers/slixmpp_peer.py', import.meta.url))
  assert.deepEqual(await runPeer(server, python, [peer]), EXPECTED_FACTS)
})
