/** What requires a plugin's services is restarted with it, and what requires those in turn. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyPlugin, definePlugin } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

/** Each names the versions behind its service: its own, and those of what it requires. */
interface Link {
  readonly versions: string
}

test('a reload restarts dependents of dependents in order, with the new services, and stops the old in reverse', async (t) => {
  const events: string[] = []
  const seen: string[] = []
  const generations = new Map<string, number>()
  const link = (name: string, requires?: string): AnyPlugin =>
    definePlugin({
      name,
      version: '1.0.0',
      requires: requires === undefined ? [] : [requires as never],
      provides: [name as never],
      setup({ services }) {
        const generation = (generations.get(name) ?? 0) + 1
        generations.set(name, generation)
        const own = `${name}${generation}`
        const required = requires === undefined ? undefined : (services as Record<string, Link>)[requires]
        const versions = required ? `${required.versions} ${own}` : own
        return {
          services: { [name]: { versions } } as never,
          interceptors: [
            {
              name: 'watch',
              band: 'observe',
              when: { stanza: 'message', incoming: true, processed: false },
              interceptPacket: () => void seen.push(versions),
            },
          ],
          start: () => void events.push(`start ${versions}`),
          stop: () => void events.push(`stop ${own}`),
        }
      },
    })
  // Found in another order than they depend on each other.
  const server = await startTestServer(t, { plugins: [link('c', 'b'), link('unrelated'), link('b', 'a'), link('a')] })
  const romeo = await server.login('romeo')
  const say = async () => {
    romeo.send(`<message to="${romeo.jid}" type="chat"><body>Hark!</body></message>`)
    await romeo.receive('message')
    return seen.splice(0)
  }
  assert.deepEqual(events.splice(0), ['start a1', 'start a1 b1', 'start a1 b1 c1', 'start unrelated1'])
  assert.deepEqual(await say(), ['a1', 'a1 b1', 'a1 b1 c1', 'unrelated1'])

  await server.plugins.reload('a')
  assert.deepEqual(events.splice(0), ['start a2', 'start a2 b2', 'start a2 b2 c2', 'stop c1', 'stop b1', 'stop a1'])
  assert.deepEqual(await say(), ['a2', 'a2 b2', 'a2 b2 c2', 'unrelated1'])

  await server.plugins.reload('b')
  assert.deepEqual(events.splice(0), ['start a2 b3', 'start a2 b3 c3', 'stop c2', 'stop b2'])
  assert.deepEqual(await say(), ['a2', 'a2 b3', 'a2 b3 c3', 'unrelated1'])
})
