import assert from 'node:assert/strict'
import test from 'node:test'
import { message, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'
import { ContributionConflict } from '../plugin-host/registries.js'
import { chainWith, gate } from './interceptor-chain.fixture.js'

const before = { processed: false } as const

function failing(rest: Partial<PacketInterceptor> = {}): PacketInterceptor & { isBroken: boolean } {
  return {
    name: 'failing',
    band: 'guard',
    when: before,
    isBroken: true,
    interceptPacket() {
      if (this.isBroken) throw new Error('broken')
    },
    ...rest,
  } as PacketInterceptor & { isBroken: boolean }
}

test('an interceptor says itself after how many failures it is left out, and when it is tried again', async (t) => {
  const now = t.mock.method(performance, 'now')
  let time = 1000
  now.mock.mockImplementation(() => time)
  const interceptor = failing({ breaker: { failures: 2, retryAfter: 500 } })
  const { chain, run } = chainWith(interceptor)
  for (let i = 0; i < 4; i++) void run()
  const [status] = chain.statuses()
  assert.deepEqual([status?.breaker, status?.errors, status?.skipped], ['open', 2, 2])

  time += 501
  assert.equal(chain.statuses()[0]?.breaker, 'half-open')
  void run()
  assert.equal(chain.statuses()[0]?.errors, 3, 'one stanza tries it')
  void run()
  assert.deepEqual([chain.statuses()[0]?.breaker, chain.statuses()[0]?.errors], ['open', 3])

  time += 501
  interceptor.isBroken = false
  void run()
  assert.equal(chain.statuses()[0]?.breaker, 'closed')
})

test('while one stanza tries an asynchronous interceptor the others go on without it', async (t) => {
  let time = 1000
  t.mock.method(performance, 'now').mock.mockImplementation(() => time)
  const trial = gate()
  let calls = 0
  const { chain, run } = chainWith({
    name: 'slow',
    band: 'guard',
    when: before,
    breaker: { failures: 1, retryAfter: 500 },
    interceptPacket: () => {
      if (calls++ === 0) throw new Error('broken')
      return trial.passed
    },
  })
  void run()
  time += 501
  const tried = run()
  assert.ok(tried instanceof Promise)
  assert.equal(run(), true)
  trial.open()
  assert.equal(await tried, true)
  assert.equal(chain.statuses()[0]?.breaker, 'closed')
})

test('a synchronous interceptor that blocks is measured and named, and nobody who waited meanwhile is blamed', async () => {
  const slow = gate()
  const { chain, entries, run } = chainWith(
    { name: 'patient', band: 'guard', budget: 50, when: { ...before, type: 'chat' }, interceptPacket: () => slow.passed },
    {
      name: 'blocks',
      band: 'guard',
      budget: 50,
      when: { ...before, type: 'headline' },
      interceptPacket() {
        const until = performance.now() + 150
        while (performance.now() < until);
      },
    },
  )
  const waiting = run()
  void run(message({ to: 'juliet@test', type: 'headline' }))
  // The clock of the deadlines has ticked since.
  await new Promise((resolve) => setTimeout(resolve, 25))
  slow.open()
  await waiting
  const [patient, blocks] = chain.statuses()
  assert.deepEqual([patient?.overruns, blocks?.overruns], [0, 1])
  assert.ok((blocks?.slowestMs ?? 0) >= 150)
  assert.equal(entries.find((it) => it.message === 'interceptor overran its time budget')?.fields.interceptor, 'blocks')
})

test('one that is given up can no longer change the stanza, and its late failure is logged', async () => {
  const late = gate()
  const { acted, entries, rejections, run } = chainWith({
    name: 'late',
    band: 'transform',
    budget: 5,
    when: before,
    async interceptPacket({ packet }) {
      await late.passed
      packet.setAttribute('late', 'yes')
      throw new Error('too late anyway')
    },
  })
  const packet = message({ to: 'juliet@test', id: 'm1' })
  const note = Symbol('note')
  packet[note] = 'kept'
  assert.equal(await run(packet), true)
  late.open()
  await new Promise(setImmediate)
  assert.equal(packet.attribute('late'), 'yes')
  assert.equal(acted[0]?.attribute('late'), undefined)
  assert.equal(acted[0]?.[note], 'kept')
  assert.deepEqual(rejections, [])
  assert.equal(entries.at(-1)?.message, 'interceptor failed after it was given up')
})

test('where nothing may pass without it, a stanza is rejected when it does not settle, and while it is left out', async () => {
  const { rejections, run } = chainWith({
    name: 'never',
    band: 'guard',
    budget: 1,
    onError: 'closed',
    when: before,
    breaker: { failures: 1, retryAfter: 60_000 },
    interceptPacket: () => new Promise(() => undefined),
  })
  assert.equal(await run(), false)
  assert.equal(await run(), false)
  assert.deepEqual(
    rejections.map((it) => it.condition),
    ['internal-server-error', 'internal-server-error'],
  )
})

test('a rejection is no failure', () => {
  const { chain, run } = chainWith({
    name: 'strict',
    band: 'guard',
    breaker: { failures: 1 },
    interceptPacket() {
      throw new PacketRejected()
    },
  })
  for (let i = 0; i < 3; i++) assert.equal(run(), false)
  assert.deepEqual([chain.statuses()[0]?.breaker, chain.statuses()[0]?.rejections], ['closed', 3])
})

test('one switched off is not called, and stays off when its plugin is loaded anew; what was counted goes on', () => {
  const interceptor = failing({ breaker: { failures: 100 } })
  const { chain, tables, run } = chainWith()
  const undo = chain.add('guardian', interceptor)
  void run()
  assert.equal(chain.switch('guardian', 'nobody', false), false)
  assert.equal(chain.switch('guardian', 'failing', false), true)
  void run()
  assert.deepEqual([chain.statuses()[0]?.off, chain.statuses()[0]?.errors], [true, 1])
  tables.exchange(() => {
    undo()
    chain.add('guardian', failing())
  })
  void run()
  assert.deepEqual([chain.statuses()[0]?.off, chain.statuses()[0]?.errors], [true, 1])
  chain.switch('guardian', 'failing', true)
  void run()
  assert.deepEqual([chain.statuses()[0]?.off, chain.statuses()[0]?.errors], [false, 2])
})

test('a new version of an interceptor begins with a closed breaker', () => {
  const { chain, tables, run } = chainWith()
  const undo = chain.add('guardian', failing({ breaker: { failures: 1 } }))
  void run()
  assert.equal(chain.statuses()[0]?.breaker, 'open')
  tables.exchange(() => {
    undo()
    chain.add('guardian', failing({ breaker: { failures: 1 } }))
  })
  assert.equal(chain.statuses()[0]?.breaker, 'closed')
})

test('two interceptors of one name are a named error of their plugin', () => {
  const { chain } = chainWith()
  chain.add('guardian', failing())
  chain.add('other', failing())
  assert.throws(
    () => chain.add('guardian', failing()),
    (error) => {
      assert.ok(error instanceof ContributionConflict)
      assert.match(error.message, /plugin "guardian" has two interceptors named "failing"; give each a name of its own/)
      return true
    },
  )
})

test('switching one on closes its breaker, and takes back the failures that had opened it', () => {
  const interceptor = failing({ breaker: { failures: 2, retryAfter: 60_000 } })
  const { chain, run } = chainWith(interceptor)
  for (let i = 0; i < 2; i++) void run()
  assert.equal(chain.statuses()[0]?.breaker, 'open')
  chain.switch('plugin', 'failing', true)
  void run()
  assert.equal(chain.statuses()[0]?.breaker, 'closed', 'one failure is not two in a row')
  void run()
  assert.equal(chain.statuses()[0]?.breaker, 'open')
})
