/** The bench's generator on the bench's relay: a load that comes through is ok, and one in which anything is lost, doubled or late is not. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { GeneratorResult, Workload } from './generator/request.js'
import { runGenerator } from './run/generator-process.js'
import { Relay, type RelayFault } from './servers/relay.js'

const accounts = { prefix: 'bench', password: 'secret' }
const messages: Workload = { kind: 'messages', pairs: 4, bytes: 100, warmup: 5, pace: { each: 100, window: 10 } }
const NO_FAULTS = { lost: 0, duplicated: 0, outOfOrder: 0, errors: 0 }

async function load(t: TestContext, workload: Workload, fault?: RelayFault): Promise<GeneratorResult> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-bench-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const relay = await new Relay(fault).start({ folder, domain: 'localhost', variant: {}, accounts: { ...accounts, count: 10 } })
  t.after(() => relay.stop())
  const { target, pid } = relay
  const scramKeysFile = join(folder, 'scram-keys.json')
  const request = { workload, target, accounts, serverPid: pid, scramKeysFile, timeoutSeconds: 5, settleMs: 0 }
  return runGenerator(request, { core: undefined, progress: () => {} })
}

test('messages that all come once and in order are counted', async (t) => {
  const { ok, error, faults, parts } = await load(t, messages)
  assert.deepEqual([ok, error, faults], [true, undefined, NO_FAULTS])
  assert.equal(parts[0]?.count, 400)
})

test('so are those that are sent when due, status changes, and logins by either mechanism', async (t) => {
  const workloads: [Workload, number][] = [
    [{ ...messages, pace: { rate: 400, seconds: 0.5 } } as Workload, 200],
    [{ kind: 'presence', contacts: 5, broadcasts: 20, window: 2, warmup: 1 }, 100],
    [{ kind: 'logins', users: 6, concurrency: 3, mechanism: 'SCRAM-SHA-1' }, 6],
    [{ kind: 'logins', users: 6, concurrency: 3, mechanism: 'PLAIN' }, 6],
  ]
  for (const [workload, count] of workloads) {
    const { ok, error, faults, parts } = await load(t, workload)
    assert.deepEqual([ok, error, faults], [true, undefined, NO_FAULTS], workload.kind)
    assert.equal(parts[0]?.count, count, workload.kind)
  }
})

for (const [fault, counted, told] of [
  ['lose', 'lost', '1 lost, 0 duplicated, 0 out of order'],
  ['double', 'duplicated', '0 lost, 1 duplicated, 0 out of order'],
  ['delay', 'outOfOrder', '0 lost, 0 duplicated, 1 out of order'],
] as const) {
  test(`a run is not ok, and says why, with ${told}`, async (t) => {
    const { ok, error, faults } = await load(t, messages, fault)
    assert.deepEqual([ok, faults], [false, { ...NO_FAULTS, [counted]: 1 }])
    assert.ok(error?.includes(told), error)
  })
}
