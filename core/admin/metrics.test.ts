import assert from 'node:assert/strict'
import test from 'node:test'
import { MetricsRegistry } from './metrics.js'

async function linesOf(registry: MetricsRegistry, prefix: string): Promise<string[]> {
  return (await registry.text()).split('\n').filter((line) => line.startsWith(prefix))
}

test('counters and gauges of a plugin are shown under its name and gone with it', async () => {
  const registry = new MetricsRegistry()
  const { metrics, dispose } = registry.forPlugin('offline-storage')
  metrics.counter('kept_total', 'Messages kept').increment(2)
  let size = 5
  metrics.gauge('mailboxes', 'Mailboxes', () => size)
  assert.deepEqual(await linesOf(registry, 'beaconfire_'), ['beaconfire_offline_storage_kept_total 2', 'beaconfire_offline_storage_mailboxes 5'])
  size = 6
  assert.deepEqual(await linesOf(registry, 'beaconfire_offline_storage_mailboxes'), ['beaconfire_offline_storage_mailboxes 6'])
  dispose()
  assert.deepEqual(await linesOf(registry, 'beaconfire_'), [])
})

test('the process and its event loop are measured, each server by itself', async () => {
  const [one, other] = [new MetricsRegistry(), new MetricsRegistry()]
  one.forPlugin('core').metrics.counter('x_total', 'x')
  assert.equal((await linesOf(one, 'process_resident_memory_bytes')).length, 1)
  assert.equal((await linesOf(one, 'nodejs_eventloop_lag_p99_seconds')).length, 1)
  assert.deepEqual(await linesOf(other, 'beaconfire_'), [])
})

test('in a reload the new version is shown, and the old one again when the new one is taken back', async () => {
  const registry = new MetricsRegistry()
  const old = registry.forPlugin('echo')
  old.metrics.counter('seen_total', 'Seen').increment(7)
  const failed = registry.forPlugin('echo')
  failed.metrics.counter('seen_total', 'Seen').increment(1)
  assert.deepEqual(await linesOf(registry, 'beaconfire_'), ['beaconfire_echo_seen_total 1'])
  failed.dispose()
  assert.deepEqual(await linesOf(registry, 'beaconfire_'), ['beaconfire_echo_seen_total 7'])
  const next = registry.forPlugin('echo')
  next.metrics.counter('seen_total', 'Seen').increment(3)
  old.dispose()
  assert.deepEqual(await linesOf(registry, 'beaconfire_'), ['beaconfire_echo_seen_total 3'])
})

test('a gauge that throws is NaN and hides nothing else', async () => {
  const registry = new MetricsRegistry()
  const { metrics } = registry.forPlugin('echo')
  metrics.gauge('broken', 'Broken', () => {
    throw new Error('no')
  })
  metrics.gauge('whole', 'Whole', () => 1)
  assert.deepEqual(await linesOf(registry, 'beaconfire_'), ['beaconfire_echo_broken Nan', 'beaconfire_echo_whole 1'])
})

test('a bad or repeated name is the error of who gives it', () => {
  const { metrics } = new MetricsRegistry().forPlugin('echo')
  metrics.counter('seen_total', 'Seen')
  assert.throws(() => metrics.counter('seen_total', 'Seen'), TypeError)
  assert.throws(() => metrics.gauge('Seen-Now', 'Seen', () => 0), TypeError)
})

test('a family shows each of its things by labels, and none that has gone', async () => {
  const registry = new MetricsRegistry()
  let names = ['a', 'b']
  const read = () => names.map((it, at) => ({ of: { name: it }, value: at + 1 }))
  registry.family({ name: 'thing_calls_total', help: 'Calls', labels: ['name'], read })
  registry.family({ name: 'thing_size', help: 'Size', labels: ['name'], read })
  assert.deepEqual(await linesOf(registry, 'beaconfire_thing_calls_total'), [
    'beaconfire_thing_calls_total{name="a"} 1',
    'beaconfire_thing_calls_total{name="b"} 2',
  ])
  names = ['b']
  assert.deepEqual(await linesOf(registry, 'beaconfire_thing'), ['beaconfire_thing_calls_total{name="b"} 1', 'beaconfire_thing_size{name="b"} 1'])
})
