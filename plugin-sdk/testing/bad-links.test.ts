import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from './test-server.js'

const LARGE = 'x'.repeat(100_000)

test('a client that reads nothing, or slowly, gets in the end all that was written to it', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'b' })]
  const say = async (id: string) => {
    romeo.send(`<message to="juliet@test/b" id="${id}"><body>${LARGE}</body></message>`)
    await romeo.sync()
  }
  juliet.pause()
  await say('1')
  juliet.resume()
  await juliet.expect(`<message id="1" from="*" to="*"><body>${LARGE}</body></message>`)

  const startedAt = performance.now()
  juliet.readSlowly(1_000_000)
  await say('2')
  await say('3')
  await juliet.receive((el) => el.attrs.id === '3')
  assert.ok(performance.now() - startedAt > 50, 'it took the time that 100 kB take at 1 MB/s, and more')
  juliet.resume()
  await juliet.sync()
})

test('over a dead link nothing comes through, and nobody is told', async (t) => {
  const server = await startTestServer(t, { plugins: [], clock: 'virtual' })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  romeo.silence()
  romeo.send('<message to="juliet@test/b"><body>lost</body></message>')
  juliet.send('<message to="romeo@test/a"><body>lost</body></message>')
  await juliet.receiveNothing()
  assert.equal(
    romeo.received.some((el) => el.getName() === 'message'),
    false,
  )
  assert.equal(server.sessions.count, 2)
})
