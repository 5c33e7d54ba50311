import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { element, Jid, message, type PacketInterceptor, PacketRejected, presence, type Stanza } from '@beaconfire/plugin-sdk'
import { changeBetween, type Flight } from './flight.js'
import { type Arming, FlightRecorder } from './flight-recorder.js'
import { HookRegistry } from './hooks.js'
import { chainWith, gate, romeo, sessionOf } from './interceptor-chain.fixture.js'

const juliet = sessionOf('juliet@test/balcony')
const everything: Arming = { rate: 1, bodies: true, seconds: 60, maxFlights: 100, maxBytes: 1_000_000 }

function armed(t: TestContext, interceptors: PacketInterceptor[], arming: Partial<Arming> = {}, random?: () => number) {
  const { chain, run, ...rest } = chainWith(...interceptors)
  const recorder = new FlightRecorder((watch) => chain.watch(watch), random)
  t.after(() => recorder.close())
  recorder.arm({ ...everything, ...arming })
  /** To juliet: the way of a message to an online user. */
  const say = (packet: Stanza) =>
    chain.around(
      true,
      packet,
      romeo,
      romeo,
      packet,
      () =>
        chain.around(
          false,
          packet.clone(),
          juliet,
          romeo,
          packet,
          () => true,
          () => undefined,
        ),
      () => undefined,
    )
  return { chain, recorder, run, say, ...rest }
}

const chat = (body = 'Wherefore?', id = 'm1') => {
  const packet = message({ from: 'romeo@test/orchard', to: 'juliet@test', type: 'chat', id })
  packet.body = body
  return packet
}
const watch: PacketInterceptor = { name: 'watch', band: 'observe', interceptPacket() {} }
const shout: PacketInterceptor = {
  name: 'shout',
  band: 'transform',
  when: { incoming: true, processed: false },
  interceptPacket({ packet }) {
    if (packet.kind === 'message') packet.body = packet.body?.toUpperCase()
  },
}

test('a stanza is followed through its own crossing and those of its recipients, step by step', (t) => {
  const { recorder, say } = armed(t, [watch, shout])
  assert.equal(say(chat()), true)
  const [flight] = recorder.search({ limit: 10 })
  assert.deepEqual([flight?.from, flight?.to, flight?.stanzaId, flight?.type], ['romeo@test/orchard', 'juliet@test', 'm1', 'chat'])
  const steps = flight?.crossings.map((it) => it.steps.map(({ waypoint, outcome }) => `${waypoint.stage ?? ''} ${waypoint.name} ${outcome}`.trim()))
  assert.deepEqual(steps, [
    ['IN-pre plugin/shout passed', 'IN-pre plugin/watch passed', 'route done', 'IN-post plugin/watch passed'],
    ['OUT-pre plugin/watch passed', 'deliver done', 'OUT-post plugin/watch passed'],
  ])
  assert.deepEqual(
    flight?.crossings.map((it) => [it.session.jid, it.isFinished]),
    [
      ['romeo@test/orchard', true],
      ['juliet@test/balcony', true],
    ],
  )
  const rewrite = flight?.crossings[0]?.steps[0]?.mark
  assert.match(rewrite?.before ?? '', /<body>Wherefore\?<\/body>/)
  assert.match(rewrite?.after ?? '', /<body>WHEREFORE\?<\/body>/)
  assert.deepEqual(changeBetween('a<b>old</b>', 'a<b>new</b>'), { at: 4, removed: 'old', added: 'new' })
})

test('each verdict and its reason is noted, of asynchronous interceptors too, and one under way shows where it hangs', async (t) => {
  const slow = gate()
  const { recorder, run } = armed(t, [
    {
      name: 'fails',
      band: 'guard',
      breaker: { failures: 1 },
      async interceptPacket() {
        throw new Error('broken')
      },
    },
    { name: 'never', band: 'guard', budget: 5, when: { type: 'headline' }, interceptPacket: () => new Promise(() => undefined) },
    { name: 'slow', band: 'transform', when: { processed: false }, interceptPacket: () => slow.passed },
    {
      name: 'rejects',
      band: 'observe',
      interceptPacket() {
        throw new PacketRejected({ text: 'not that' })
      },
    },
  ])
  const done = run(message({ to: 'juliet@test', type: 'headline' }))
  await new Promise((resolve) => setTimeout(resolve, 60))
  const [hanging] = recorder.search({ limit: 1 })
  assert.equal(hanging?.crossings[0]?.isFinished, false)
  slow.open()
  await done
  assert.deepEqual(
    hanging?.crossings[0]?.steps.map((it) => [it.waypoint.name, it.outcome, it.mark?.error]),
    [
      ['plugin/fails', 'failed', 'broken'],
      ['plugin/never', 'given-up', undefined],
      ['plugin/slow', 'passed', undefined],
      ['plugin/rejects', 'rejected', 'not that'],
    ],
  )
  void run()
  assert.equal(recorder.search({ limit: 1 })[0]?.crossings[0]?.steps[0]?.outcome, 'skipped')
})

test('without bodies nothing that was said is kept, and a rewrite still shows', (t) => {
  const { recorder, say } = armed(t, [shout, watch], { bodies: false })
  const packet = chat('meet me at the tomb')
  packet.addChild(element('x', { xmlns: 'urn:example', secret: 'of the friar', type: 'get' }, 'poison'))
  void say(packet)
  const [flight] = recorder.search({ limit: 1 })
  const text = JSON.stringify(flight)
  for (const said of ['tomb', 'TOMB', 'friar', 'poison']) assert.ok(!text.includes(said), said)
  assert.match(flight?.crossings[0]?.packet ?? '', /<body>\[19 characters, [0-9a-f]{8}\]<\/body>/)
  const { before, after } = flight?.crossings[0]?.steps[0]?.mark ?? {}
  assert.notEqual(before, after)
})

test('nor is what an error quotes of it, whoever throws it and when', async (t) => {
  const quoting = ({ packet }: { packet: Stanza }) => new Error(`bad word in: ${packet.toString()}`)
  const { recorder, say } = armed(
    t,
    [
      {
        name: 'throws',
        band: 'guard',
        interceptPacket(crossing) {
          throw quoting(crossing)
        },
      },
      { name: 'fails-later', band: 'guard', interceptPacket: (crossing) => Promise.reject(quoting(crossing)) },
      {
        name: 'refuses',
        band: 'observe',
        when: { incoming: true, processed: false },
        interceptPacket({ packet }) {
          throw new PacketRejected({ condition: 'policy-violation', text: packet.toString() })
        },
      },
    ],
    { bodies: false },
  )
  await say(chat('meet me at the tomb'))
  const [flight] = recorder.search({ limit: 1 })
  assert.ok(!JSON.stringify(flight).includes('tomb'))
  assert.deepEqual(
    flight?.crossings[0]?.steps.map((it) => it.mark?.error),
    ['Error', 'Error', 'policy-violation'],
  )
})

test('only what all filters want is recorded, its recipients included', (t) => {
  const jids = (flights: Flight[]) => flights.map((it) => it.stanzaId)
  const tries: [Partial<Arming>, string[]][] = [
    [{ stanza: 'presence' }, ['p1']],
    [{ type: 'chat' }, ['m1']],
    [{ jid: Jid.parse('juliet@test') }, ['m1']],
    [{ jid: Jid.parse('romeo@test/elsewhere') }, []],
    [{ rate: 0 }, []],
    [{ plugin: 'plugin' }, ['m1']],
    [{ plugin: 'other' }, []],
  ]
  for (const [filter, wanted] of tries) {
    const { recorder, run, say } = armed(t, [{ ...watch, when: { stanza: 'message' } }], filter)
    void say(chat())
    void run(presence({ id: 'p1', from: 'romeo@test/orchard' }))
    assert.deepEqual(jids(recorder.search({ limit: 10 })), wanted, JSON.stringify(filter))
  }
})

test('of the stanzas that fit the rate says how many are recorded, and of those every crossing is', (t) => {
  const drawn = [0.1, 0.25, 0.24, 0.99, 0]
  const left = [...drawn]
  const { recorder, run, say } = armed(
    t,
    [watch],
    { rate: 0.25, stanza: 'message' },
    () => left.shift() ?? assert.fail('drawn more than once for a stanza'),
  )
  for (let i = 0; i < drawn.length; i++) {
    void say(chat('x', String(i)))
    void run(presence({ id: 'p', from: 'romeo@test/orchard' }))
  }
  const flights = recorder.search({ limit: 10 })
  assert.deepEqual(
    flights.map((it) => [it.stanzaId, it.crossings.length]),
    [
      ['4', 2],
      ['2', 2],
      ['0', 2],
    ],
  )
})

test('the oldest go when there are too many, or when they take too much memory', (t) => {
  const few = armed(t, [watch], { maxFlights: 2 })
  for (const id of ['1', '2', '3']) void few.say(chat('x', id))
  assert.deepEqual(
    few.recorder.search({ limit: 10 }).map((it) => it.stanzaId),
    ['3', '2'],
  )
  assert.equal(few.recorder.status().evicted, 1)
  const small = armed(t, [watch], { maxBytes: 100_000 })
  for (let i = 0; i < 50; i++) void small.say(chat('x'.repeat(10_000), String(i)))
  const { bytes, flights } = small.recorder.status()
  assert.ok(bytes <= 100_000 && flights > 0 && flights < 5, `${bytes} bytes, ${flights} flights`)
  const [newest] = small.recorder.search({ limit: 1 })
  assert.deepEqual([newest?.stanzaId, small.recorder.find(newest?.id ?? '')], ['49', newest])
  small.recorder.clear()
  assert.deepEqual([small.recorder.status().bytes, small.recorder.status().flights], [0, 0])
})

test('armed anew with less room it keeps the newest, and with more it goes on after them', (t) => {
  const { recorder, say } = armed(t, [watch], { maxFlights: 3 })
  const ids = () => recorder.search({ limit: 10 }).map((it) => it.stanzaId)
  for (const id of ['1', '2', '3', '4', '5']) void say(chat('x', id))
  assert.deepEqual(ids(), ['5', '4', '3'])
  recorder.arm({ ...everything, maxFlights: 2 })
  assert.deepEqual([ids(), recorder.status().evicted], [['5', '4'], 3])
  recorder.arm({ ...everything, maxFlights: 4 })
  for (const id of ['6', '7', '8']) void say(chat('x', id))
  assert.deepEqual(ids(), ['8', '7', '6', '5'])
})

test('it disarms itself when its time is over, and what it recorded stays', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const { recorder, say } = armed(t, [watch], { seconds: 5 })
  void say(chat())
  t.mock.timers.tick(5001)
  void say(chat('later', 'm2'))
  assert.equal(recorder.status().arming, undefined)
  assert.deepEqual(
    recorder.search({ limit: 10 }).map((it) => it.stanzaId),
    ['m1'],
  )
})

test('flights are found by JID of sender and recipients, by stanza id and by plugin, page by page', (t) => {
  const { recorder, say } = armed(t, [watch])
  for (const id of ['1', '2', '3']) void say(chat('x', id))
  const ids = (query: object) => recorder.search({ limit: 10, ...query }).map((it) => it.stanzaId)
  assert.deepEqual(ids({ jid: 'juliet@test/balcony' }), ['3', '2', '1'])
  assert.deepEqual(ids({ jid: 'romeo@test' }), ['3', '2', '1'])
  assert.deepEqual(ids({ jid: 'nurse@test' }), [])
  assert.deepEqual(ids({ stanzaId: '2', plugin: 'plugin' }), ['2'])
  assert.deepEqual(ids({ plugin: 'nobody' }), [])
  const [newest] = recorder.search({ limit: 1 })
  assert.deepEqual(ids({ before: newest?.id }), ['2', '1'])
})

test('what a hook says about a recorded stanza is a step of its way', async (t) => {
  const { chain, recorder } = armed(t, [])
  const hooks = new HookRegistry({ debug() {}, info() {}, warn() {}, error() {}, child: () => undefined as never })
  hooks.watch(recorder)
  hooks.add('offline-storage', { messageUndelivered: async () => 'handled' as const })
  const packet = chat()
  const ask = async () => (await hooks.ask('messageUndelivered', { message: packet } as never)) === 'handled'
  await chain.around(true, packet, romeo, romeo, packet, ask, () => undefined)
  const steps = recorder.search({ limit: 1 })[0]?.crossings[0]?.steps
  assert.deepEqual(
    steps?.map((it) => [it.waypoint.kind, it.waypoint.name, it.outcome]),
    [
      ['hook', 'offline-storage/messageUndelivered', 'handled'],
      ['route', 'route', 'done'],
    ],
  )
})
