import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LeakWatch } from './leak-watch.js'
import { dropIn, pluginSource, RecordingLog, testHost, writeFiles } from './plugin-host.fixture.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A full collection, and the turn in which it is looked at. */
async function collected(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await new Promise(setImmediate)
    collect()
    await new Promise(setImmediate)
  }
}

const held: unknown[] = []
Object.assign(globalThis, { heldByPlugin: held })

test('after 100 swaps of a plugin none of its versions is held; of one that leaves something behind each is counted and reported', {
  timeout: 60_000,
}, async (t) => {
  const it = await testHost(t)
  const swaps = 100
  const source = (name: string, head: string) =>
    pluginSource(name, '1.0.0', {
      head,
      contributions: `interceptors: [{ name: 'watch', band: 'observe', interceptPacket() { context.log.info({}, 'seen') } }],
        hooks: { sessionOpened() { context.log.info({}, 'opened') } }, start() { context.timers.every(1000, () => context.log.info({}, 'tick')); ${name === 'leaky' ? 'heldByPlugin.push(context)' : ''} }`,
    })
  await dropIn(it.folder, 'clean', { 'index.ts': source('clean', '') })
  await dropIn(it.folder, 'leaky', { 'index.ts': source('leaky', '') })
  await it.host.start()
  await collected(1)
  const before = process.memoryUsage().heapUsed
  const slowest: number[] = []
  for (let i = 0; i < swaps; i++) {
    await writeFiles(join(it.folder, 'clean'), { 'index.ts': source('clean', `// ${i}`) })
    const startedAt = performance.now()
    await it.host.reload('clean')
    slowest.push(performance.now() - startedAt)
  }
  await collected(5)
  const perSwap = (process.memoryUsage().heapUsed - before) / swaps
  slowest.sort((a, b) => a - b)
  t.diagnostic(
    `a swap: median ${slowest[swaps / 2]?.toFixed(1)} ms, slowest ${slowest.at(-1)?.toFixed(1)} ms; ${Math.round(perSwap / 1024)} KiB of heap kept for each module`,
  )
  assert.equal(it.status('clean').reloads, swaps)
  assert.equal(it.status('clean').staleVersions, 0)
  // What Node keeps of a module of this size; a version kept whole would be far more in the long run, and is counted above.
  assert.ok(perSwap < 64 * 1024, `${perSwap} bytes each`)

  for (let i = 0; i < 7; i++) await it.host.reload('leaky')
  await collected(5)
  assert.equal(it.status('leaky').staleVersions, 7)
  const reports = it.log.lines.filter((line) => line.message.startsWith('stopped versions of the plugin are still held'))
  assert.deepEqual(
    reports.map((line) => line.fields.plugin),
    ['leaky'],
  )
  held.length = 0
  await collected(5)
  assert.equal(it.status('leaky').staleVersions, 0)
})

test('a leak is reported when its size has doubled, not at each collection', () => {
  const log = new RecordingLog()
  const counts: number[] = []
  const watch = new LeakWatch(log, (_plugin, versions) => counts.push(versions))
  const kept: object[] = []
  for (let i = 0; i < 12; i++) {
    const context = {}
    kept.push(context)
    watch.retired('leaky', `${i}`, context)
    watch.collected(3)
  }
  watch.close()
  assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  assert.deepEqual(
    log.lines.map((line) => line.fields.versions),
    [3, 6, 12],
  )
  assert.equal(kept.length, 12)
})
