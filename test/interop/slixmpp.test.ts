import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { programOrSkip } from '../../plugin-sdk/testing/programs.js'
import { startServerProcess } from '../support/server-process.js'
import { ACCEPTANCE_FACTS, EXPECTED_FACTS, runPeer } from './peer-process.js'

/** slixmpp 1.8 binds to tls-unique alone, also over TLS 1.3, which has none: offered other types it falls back to PLAIN. */
const UNBOUND = { env: { BEACONFIRE_C2S_CHANNEL_BINDING: 'false' } }

test("Debian's slixmpp registers, logs in, subscribes, chats and gets what it missed", async (t) => {
  const python = programOrSkip(t, { name: 'python3', debianPackage: 'python3-slixmpp', probe: ['-c', 'import slixmpp'] })
  if (!python) return
  const server = await startServerProcess(t, UNBOUND)
  const peer = fileURLToPath(new URL('peers/slixmpp_peer.py', import.meta.url))
  assert.deepEqual(await runPeer(server, python, [peer]), EXPECTED_FACTS)
})

test("Debian's slixmpp registers, adds, writes to, and loses contacts, and finds all again after a restart (T1, T2, T3, T6, T7)", async (t) => {
  const python = programOrSkip(t, { name: 'python3', debianPackage: 'python3-slixmpp', probe: ['-c', 'import slixmpp'] })
  if (!python) return
  const peer = fileURLToPath(new URL('peers/slixmpp_acceptance.py', import.meta.url))
  const first = await startServerProcess(t, UNBOUND)
  assert.deepEqual(await runPeer(first, python, [peer, 'before']), ACCEPTANCE_FACTS.before)
  await first.stop()
  const second = await startServerProcess(t, { ...UNBOUND, folder: first.folder })
  assert.deepEqual(await runPeer(second, python, [peer, 'after']), ACCEPTANCE_FACTS.after)
})
