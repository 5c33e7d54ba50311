import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MODULE = fileURLToPath(new URL('./start-memory.ts', import.meta.url))
const MB = 1024 * 1024

/** In a process of its own: the young generation is that of the whole process. */
const SCRIPT = `
import { getHeapSpaceStatistics } from 'node:v8'
import { giveBackStartMemory } from ${JSON.stringify(MODULE)}
const young = () => getHeapSpaceStatistics().find((it) => it.space_name === 'new_space').space_size
const live = (count) => Array.from({ length: count }, (_, at) => ({ at, list: [at] }))
let kept = live(400_000)
const started = { young: young(), resident: process.memoryUsage.rss() }
kept = undefined
await giveBackStartMemory()
const given = { young: young(), resident: process.memoryUsage.rss() }
kept = live(400_000)
process.stdout.write(JSON.stringify({ started, given, used: { young: young(), count: kept.length } }))
`

test('what the start took is given back, and the young generation does not take it again', async () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', SCRIPT]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { started, given, used } = JSON.parse(stdout) as Record<string, { young: number; resident: number; count: number }>
  assert.ok(started && given && used)
  assert.ok(given.young < started.young, `${given.young} of ${started.young} bytes`)
  assert.ok(given.resident < started.resident - 30 * MB, `${started.resident - given.resident} bytes given back`)
  assert.equal(used.young, given.young)
  assert.equal(used.count, 400_000)
})
