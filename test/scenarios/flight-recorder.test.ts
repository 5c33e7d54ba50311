/** The flight recorder by the admin API: armed, watched live, searched, shown as a waterfall, and exported. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

const shout = definePlugin({
  name: 'shout',
  version: '1.0.0',
  setup: () => ({
    interceptors: [
      {
        name: 'louder',
        band: 'transform',
        when: { stanza: 'message', incoming: true, processed: false },
        interceptPacket({ packet }) {
          if (packet.kind === 'message' && packet.body) packet.body = `${packet.body}!`
        },
      },
    ],
  }),
})

interface Flight {
  readonly id: string
  readonly stanzaId: string
  readonly steps: { name: string; stage?: string; session: string; at: number; ms: number; change?: { removed: string; added: string } }[]
}

interface Status {
  readonly isArmed: boolean
  readonly arming: { readonly jid: string; readonly rate: number }
}

interface RecordingLine {
  readonly format: string
  readonly version: number
  readonly domain: string
  readonly flights: number
  readonly incoming: boolean
  readonly session: { readonly jid: string; readonly kind: string }
  readonly packet: string
}

test('a stanza is recorded on request, shown step by step, and exported; unasked nothing is', async (t) => {
  const server = await startTestServer(t, { plugins: [shout] })
  const romeo = await server.login('romeo', { available: false })
  const juliet = await server.login('juliet', { available: false })
  const say = async (id: string) => {
    romeo.send(`<message to="${juliet.jid}" type="chat" id="${id}"><body>Wherefore</body></message>`)
    await juliet.receive('message')
  }
  const json = async <Answer = Status>(path: string, init = {}) => (await server.admin(`/api/v1/recorder${path}`, init)).json() as Promise<Answer>

  await say('before')
  assert.equal((await json('')).isArmed, false)
  const armed = await json('', { method: 'PUT', json: { jid: 'juliet@test', stanza: 'message', bodies: true, seconds: 30 } })
  assert.deepEqual([armed.isArmed, armed.arming.jid, armed.arming.rate], [true, 'juliet@test', 1])

  const live = await server.admin('/api/v1/recorder/stream')
  assert.equal(live.headers.get('content-type'), 'text/event-stream')
  await say('m1')
  const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('"stanzaId":"m1"')) text += (await reader?.read())?.value ?? ''
  assert.match(text, /^event: flight$/m)
  await reader?.cancel()

  const { items } = await json<{ items: Flight[] }>('/flights?stanzaId=m1')
  assert.equal(items.length, 1)
  const flight = await json<Flight>(`/flights/${items[0]?.id}`)
  assert.deepEqual(
    flight.steps.map((it) => [it.name, it.stage, it.session]),
    [
      ['shout/louder', 'IN-pre', romeo.jid.toString()],
      ['route', undefined, romeo.jid.toString()],
      ['deliver', undefined, juliet.jid.toString()],
    ],
  )
  assert.deepEqual([flight.steps[0]?.change?.removed, flight.steps[0]?.change?.added], ['', '!'])
  const [, route, deliver] = flight.steps
  assert.ok(route && deliver && deliver.at >= route.at && deliver.at + deliver.ms <= route.at + route.ms + 0.01)

  const file = await server.admin('/api/v1/recorder/export?jid=juliet@test')
  const lines = (await file.text())
    .trim()
    .split('\n')
    .map((it) => JSON.parse(it) as RecordingLine)
  assert.deepEqual([lines[0]?.format, lines[0]?.version, lines[0]?.domain, lines[0]?.flights], ['beaconfire-recording', 1, 'test', 1])
  assert.deepEqual(
    lines.slice(1).map((it) => [it.incoming, it.session.jid, it.session.kind, it.packet.includes('Wherefore')]),
    [
      [true, romeo.jid.toString(), 'client', true],
      [false, juliet.jid.toString(), 'client', true],
    ],
  )

  assert.equal((await json('', { method: 'DELETE' })).isArmed, false)
  await say('after')
  assert.deepEqual(
    (await json<{ items: Flight[] }>('/flights')).items.map((it) => it.stanzaId),
    ['m1'],
  )
  await server.admin('/api/v1/recorder/flights', { method: 'DELETE' })
  assert.equal((await server.admin(`/api/v1/recorder/flights/${flight.id}`)).status, 404)
  const audit = (await (await server.admin('/api/v1/audit')).json()) as { items: { summary: string }[] }
  assert.ok(audit.items.some((it) => it.summary === 'PUT /api/v1/recorder → 200'))
})

test('an arming that makes no sense is refused with the field, and leaves the recorder as it was', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  for (const [arming, field] of [
    [{ rate: 2 }, 'body.rate'],
    [{ jid: '@' }, 'body.jid'],
    [{ stanza: 'stream' }, 'body.stanza'],
    [{ maxBytes: 1e12 }, 'body.maxBytes'],
    [{ colour: 'red' }, 'body.colour'],
  ] as const) {
    const answer = await server.admin('/api/v1/recorder', { method: 'PUT', json: arming })
    assert.equal(answer.status, 400)
    assert.equal(((await answer.json()) as { field: string }).field, field)
  }
  assert.equal(((await (await server.admin('/api/v1/recorder')).json()) as { isArmed: boolean }).isArmed, false)
})

test('a server with somebody following the recorder stops at once', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const live = await server.admin('/api/v1/recorder/stream')
  const startedAt = performance.now()
  await server.stop()
  assert.ok(performance.now() - startedAt < 1500)
  assert.match(await live.text(), /flights follow/)
})
