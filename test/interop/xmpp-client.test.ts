import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startServerProcess } from '../support/server-process.js'
import { EXPECTED_FACTS, runPeer } from './peer-process.js'

test("npm's @xmpp/client registers, logs in, subscribes, chats and gets what it missed", async (t) => {
  const server = await startServerProcess(t)
  const peer = fileURLToPath(new URL('peers/xmpp-client.ts', import.meta.url))
  assert.deepEqual(await runPeer(server, process.execPath, ['--import', 'tsx', peer]), EXPECTED_FACTS)
})
