import assert from 'node:assert/strict'
import test from 'node:test'
import { dropIn, pluginSource, testHost } from './plugin-host.fixture.js'

/** Where the plugins of this test leave word. */
const seen: string[] = []
Object.assign(globalThis, { seenAtStop: seen })

test('a stop waits neither for a plugin that never gets ready nor for one that never ends, and the others end in order', async (t) => {
  const it = await testHost(t)
  const leavesWord = `stop() { seenAtStop.push('flushed') }`
  await dropIn(it.folder, 'flushes', { 'index.ts': pluginSource('flushes', '1.0.0', { contributions: leavesWord }) })
  await dropIn(it.folder, 'hangs', { 'index.ts': pluginSource('hangs', '1.0.0', { contributions: `stop: () => new Promise(() => {})` }) })
  await it.host.start()
  const begins = `start() { seenAtStop.push('begun'); return new Promise(() => {}) }`
  await dropIn(it.folder, 'stuck', { 'index.ts': pluginSource('stuck', '1.0.0', { contributions: begins }) })
  const scanned = it.host.rescan()
  while (!seen.includes('begun')) await new Promise(setImmediate)
  const begunAt = performance.now()
  await it.host.stop()
  assert.ok(performance.now() - begunAt < 4000)
  assert.ok(seen.includes('flushed'))
  await scanned
})
