import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServerProcess } from '../support/server-process.js'
import { ACCEPTANCE_FACTS, EXPECTED_FACTS, runPeer } from './peer-process.js'

test("npm's @xmpp/client registers, logs in, subscribes, chats and gets what it missed", async (t) => {
  const server = await startServerProcess(t)
  const peer = fileURLToPath(new URL('peers/xmpp-client.ts', import.meta.url))
  assert.deepEqual(await runPeer(server, process.execPath, ['--import', 'tsx', peer]), EXPECTED_FACTS)
})

test("npm's @xmpp/client registers, adds, writes to, and loses contacts, and finds all again after a restart (T1, T2, T3, T6, T7)", async (t) => {
  const peer = fileURLToPath(new URL('peers/xmpp-client-acceptance.ts', import.meta.url))
  const first = await startServerProcess(t)
  assert.deepEqual(await runPeer(first, process.execPath, ['--import', 'tsx', peer, 'before']), ACCEPTANCE_FACTS.before)
  await first.stop()
  const second = await startServerProcess(t, { folder: first.folder })
  assert.deepEqual(await runPeer(second, process.execPath, ['--import', 'tsx', peer, 'after']), ACCEPTANCE_FACTS.after)
})
