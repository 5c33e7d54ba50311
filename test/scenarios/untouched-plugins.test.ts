/** A swap touches the plugin that is swapped, and no other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, type PacketInterceptor } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

interface Shown {
  readonly items: readonly { readonly plugin: string; readonly breaker: string; readonly errors: number }[]
}

test('breakers stay open, counts go on, ports are not announced anew, and the order stays, when a plugin before is swapped', async (t) => {
  const asked: string[] = []
  let listening = 0
  const watching = (plugin: string, interceptPacket: PacketInterceptor['interceptPacket']) =>
    definePlugin({
      name: plugin,
      version: '1.0.0',
      setup: () => ({
        interceptors: [
          {
            name: 'watch',
            band: 'observe',
            when: { stanza: 'message', incoming: true, processed: false },
            breaker: { failures: 1 },
            interceptPacket,
          },
        ],
        hooks: {
          messageUndelivered() {
            asked.push(`${plugin} hook`)
            return 'pass'
          },
        },
        listeners: [{ name: 'door', host: '127.0.0.1', port: 0, listening: () => void listening++, onConnection: (socket) => socket.end() }],
      }),
    })
  const plugins = ['first', 'second'].map((name) => watching(name, () => void asked.push(name)))
  const broken = watching('broken', () => {
    throw new Error('no luck')
  })
  const server = await startTestServer(t, { plugins: [...plugins, broken] })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')
  juliet.send('<presence type="unavailable"/>')
  await juliet.sync()
  romeo.send('<message to="juliet@test"><body>Hark!</body></message>')
  await romeo.sync()
  const shown = async () => ((await (await server.admin('/api/v1/interceptors?plugin=broken')).json()) as Shown).items[0]
  assert.equal((await shown())?.breaker, 'open')
  assert.deepEqual([asked.splice(0), listening], [['first', 'second', 'first hook', 'second hook', 'broken hook'], 3])

  await server.plugins.reload('first')
  assert.deepEqual([(await shown())?.breaker, (await shown())?.errors], ['open', 1])
  assert.equal(listening, 4)
  romeo.send('<message to="juliet@test"><body>Hark!</body></message>')
  await romeo.sync()
  assert.deepEqual(asked, ['first', 'second', 'first hook', 'second hook', 'broken hook'])
})
