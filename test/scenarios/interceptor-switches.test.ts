/** Interceptors watched and switched by the admin API while stanzas pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, PacketRejected } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

const strict = definePlugin({
  name: 'strict',
  version: '1.0.0',
  setup: () => ({
    interceptors: [
      {
        name: 'no/body',
        band: 'guard',
        when: { stanza: 'message', incoming: true, processed: false },
        interceptPacket({ packet }) {
          if (packet.childText('body') === 'no') throw new PacketRejected({ condition: 'policy-violation' })
        },
      },
    ],
  }),
})

test('an interceptor is switched off and on by the admin API, which is audited and shown in the metrics', async (t) => {
  const server = await startTestServer(t, { plugins: [strict] })
  const romeo = await server.login('romeo', { available: false })
  const juliet = await server.login('juliet', { available: false })
  const say = (text: string) => romeo.send(`<message to="${juliet.jid}" type="chat"><body>${text}</body></message>`)
  const post = (path: string) => server.admin(`/api/v1/interceptors/${path}`, { method: 'POST' })
  const metric = async (name: string) => {
    const text = await (await server.admin('/metrics')).text()
    return text.split('\n').find((line) => line.startsWith(`beaconfire_interceptor_${name}{`))
  }

  say('no')
  assert.equal((await romeo.receive('message')).attrs.type, 'error')
  assert.equal(await metric('rejections_total'), 'beaconfire_interceptor_rejections_total{plugin="strict",interceptor="no/body"} 1')

  const off = await post('strict/no%2Fbody/off')
  assert.equal(off.status, 200)
  assert.equal(((await off.json()) as { off: boolean }).off, true)
  say('no')
  assert.equal((await juliet.receive('message')).getChildText('body'), 'no')
  assert.equal(await metric('off'), 'beaconfire_interceptor_off{plugin="strict",interceptor="no/body"} 1')
  assert.equal(server.plugins.find('strict')?.state, 'running')

  await post('strict/no%2Fbody/on')
  say('no')
  assert.equal((await romeo.receive('message')).attrs.type, 'error')
  assert.equal((await post('strict/nobody/off')).status, 404)
  const { items } = (await (await server.admin('/api/v1/interceptors?plugin=strict')).json()) as { items: { calls: number }[] }
  assert.deepEqual(
    items.map((it) => it.calls),
    [2],
  )
  const audit = (await (await server.admin('/api/v1/audit')).json()) as { items: { summary: string }[] }
  assert.ok(audit.items.some((it) => it.summary.includes('/interceptors/strict/no%2Fbody/off → 200')))
})

const broken = definePlugin({
  name: 'broken',
  version: '1.0.0',
  setup: () => ({
    interceptors: [
      {
        name: 'throws',
        band: 'guard',
        breaker: { failures: 2, retryAfter: 60_000 },
        when: { stanza: 'message', incoming: true, processed: false },
        interceptPacket() {
          throw new Error('on purpose')
        },
      },
      {
        name: 'blocks',
        band: 'guard',
        budget: 5,
        breaker: { failures: 3, retryAfter: 60_000 },
        when: { stanza: 'message', incoming: true, processed: false },
        async interceptPacket() {
          const until = performance.now() + 10
          while (performance.now() < until);
        },
      },
    ],
  }),
})

test('the metrics tell of errors, overruns, calls left out, and breakers as they open and are closed', async (t) => {
  const server = await startTestServer(t, { plugins: [broken] })
  const romeo = await server.login('romeo', { available: false })
  const juliet = await server.login('juliet', { available: false })
  const say = async () => {
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>x</body></message>`)
    await juliet.receive('message')
  }
  const metrics = async (interceptor: string) => {
    const text = await (await server.admin('/metrics')).text()
    return ['errors_total', 'overruns_total', 'skipped_total', 'breaker_state'].map((name) =>
      Number(text.split(`beaconfire_interceptor_${name}{plugin="broken",interceptor="${interceptor}"} `)[1]?.split('\n')[0]),
    )
  }
  assert.deepEqual([await metrics('throws'), await metrics('blocks')], [Array(4).fill(0), Array(4).fill(0)])
  for (let i = 0; i < 5; i++) await say()
  assert.deepEqual(await metrics('throws'), [2, 0, 3, 2])
  assert.deepEqual(await metrics('blocks'), [0, 3, 2, 2])
  await server.admin('/api/v1/interceptors/broken/throws/on', { method: 'POST' })
  assert.deepEqual(await metrics('throws'), [2, 0, 3, 0])
  await say()
  assert.deepEqual(await metrics('throws'), [3, 0, 3, 0])
})
