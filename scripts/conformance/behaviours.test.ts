import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countBySection, placeOf } from './behaviours.js'

test('the place of a file names its specification and section', () => {
  assert.deepEqual(placeOf('rfc6121/08-delivery.test.ts'), { specification: 'RFC 6121', section: '8 delivery' })
  assert.deepEqual(placeOf('rfc6120/11-xml-restrictions.test.ts'), { specification: 'RFC 6120', section: '11 xml restrictions' })
  assert.deepEqual(placeOf('rfc6121/a-states.test.ts'), { specification: 'RFC 6121', section: 'A states' })
  assert.deepEqual(placeOf('xep-0199.test.ts'), { specification: 'XEP-0199', section: '' })
})

test('a specification is counted as a whole, then by section, in order of the sections', () => {
  const counts = countBySection([
    { file: 'rfc6120/10-routing.test.ts', name: 'a', outcome: 'held' },
    { file: 'rfc6120/04-streams.test.ts', name: 'b', outcome: 'failed' },
    { file: 'rfc6120/04-streams.test.ts', name: 'c', outcome: 'held' },
    { file: 'xep-0199.test.ts', name: 'd', outcome: 'skipped' },
  ])
  assert.deepEqual(
    counts.map((it) => [it.specification, it.section, it.held, it.failed, it.skipped]),
    [
      ['RFC 6120', '', 2, 1, 0],
      ['RFC 6120', '4 streams', 1, 1, 0],
      ['RFC 6120', '10 routing', 1, 0, 0],
      ['XEP-0199', '', 0, 0, 1],
    ],
  )
})
