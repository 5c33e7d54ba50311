import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerDomain } from './peer-domain.js'
import { startTestServer } from './test-server.js'

test('users of a peer domain are written to, and write as they please', async (t) => {
  const [peer, other] = [new PeerDomain(), new PeerDomain('other')]
  const server = await startTestServer(t, { plugins: [peer.plugin, other.plugin] })
  assert.deepEqual([peer.domain, other.domain], ['peer.test', 'other.test'])
  const romeo = await server.login('romeo', { resource: 'a' })
  romeo.send('<message to="juliet@peer.test" type="chat"><body>1</body></message>')
  await romeo.sync()
  assert.deepEqual([peer.take(), peer.take(), other.take()].flat(), [
    '<message to="juliet@peer.test" type="chat" from="romeo@test/a"><body>1</body></message>',
  ])
  await peer.say('<message from="juliet@peer.test/b" to="romeo@test/a"><body>2</body></message>')
  await romeo.expect('<message from="juliet@peer.test/b" to="romeo@test/a"><body>2</body></message>')
})
