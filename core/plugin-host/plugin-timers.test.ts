import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordingLog } from './plugin-host.fixture.js'
import { PluginTimers } from './plugin-timers.js'

const DAY_MS = 86_400_000
/** As long as Node can wait in one go. */
const STEP_MS = 2 ** 31 - 1

test('a timer of a month runs once in a month, and can be cancelled at any time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const timers = new PluginTimers(new RecordingLog())
  const seen: string[] = []
  const monthly = timers.every(30 * DAY_MS, () => void seen.push('every'))
  timers.after(60 * DAY_MS, () => void seen.push('after'))
  timers.after(60 * DAY_MS, () => void seen.push('cancelled')).cancel()
  const days = async (count: number) => {
    for (let i = 0; i < count; i++) {
      t.mock.timers.tick(DAY_MS)
      await new Promise(setImmediate) // what ran once is armed anew
    }
  }
  // What is armed anew in a tick of the clock counts from its end, so each wait of several steps is some days longer here.
  await days(29)
  assert.equal(seen.join(), '')
  await days(2)
  assert.equal(seen.join(), 'every')
  await days(33)
  assert.deepEqual([seen.length, seen.includes('after')], [3, true])
  await days(26)
  monthly.cancel()
  await days(40)
  assert.equal(seen.length, 3)
})

test('a time that has passed is due at once, and one that is none is refused', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const timers = new PluginTimers(new RecordingLog())
  let runs = 0
  timers.after(-5, () => void runs++)
  t.mock.timers.tick(1)
  assert.equal(runs, 1)
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => timers.every(ms, () => void runs++), { name: 'RangeError', message: `a timer needs a number of milliseconds, not ${ms}` })
  }
})

test('timers of a month end with the plugin', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const timers = new PluginTimers(new RecordingLog())
  timers.after(30 * DAY_MS, () => assert.fail('it is over'))
  t.mock.timers.tick(STEP_MS)
  timers.cancelAll()
  t.mock.timers.tick(STEP_MS)
})
