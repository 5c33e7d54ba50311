import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entityTime, legacyTime } from './index.js'

const at = new Date(Date.UTC(2026, 10, 21, 4, 5, 6, 789))

test('the time is told in UTC with the offset of the server (XEP-0202)', () => {
  const zone = process.env.TZ
  try {
    for (const [name, offset] of [
      ['UTC', 'Z'],
      ['Asia/Kolkata', '+05:30'],
      ['America/St_Johns', '-03:30'],
    ]) {
      process.env.TZ = name
      const time = entityTime(new Date(at))
      assert.deepEqual([time.getChildText('utc'), time.getChildText('tzo')], ['2026-11-21T04:05:06Z', offset])
    }
  } finally {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  }
})

test('old clients get the old form (XEP-0090)', () => {
  assert.equal(legacyTime(at).getChildText('utc'), '20261121T04:05:06')
})
