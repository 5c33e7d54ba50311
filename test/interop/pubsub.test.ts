/** Publish-subscribe and personal eventing with a foreign client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { programOrSkip } from '../../plugin-sdk/testing/programs.js'
import { startServerProcess } from '../support/server-process.js'
import { runPeer } from './peer-process.js'

const FACTS = [
  'juliet registered',
  'romeo registered',
  'juliet finds pep: True',
  'romeo is told by juliet: Jule',
  'romeo is told of the avatar: True',
  'romeo gets it: True',
  'and from the vCard: True',
  'romeo is told by the service: one',
  "items: ['one']",
  "nodes: ['musings']",
  'romeo may not delete it: forbidden',
  'romeo is told that it is gone',
]

test("Debian's slixmpp publishes a nickname and an avatar, and uses the service", async (t) => {
  const python = programOrSkip(t, { name: 'python3', debianPackage: 'python3-slixmpp', probe: ['-c', 'import slixmpp'] })
  if (!python) return
  const server = await startServerProcess(t, { env: { BEACONFIRE_C2S_CHANNEL_BINDING: 'false' } })
  const peer = fileURLToPath(new URL('peers/slixmpp_pep_peer.py', import.meta.url))
  assert.deepEqual(await runPeer(server, python, [peer]), FACTS)
})
