import assert from 'node:assert/strict'
import test from 'node:test'
import { TwoGenerationMap } from './two-generation-map.js'

test('it never holds more than two generations', () => {
  const map = new TwoGenerationMap<number>(10)
  for (let i = 0; i < 1000; i++) {
    map.set(`key ${i}`, i)
    map.get(`key ${i >> 1}`)
    assert.ok(map.size <= 20)
  }
  assert.equal(map.get('key 999'), 999)
  assert.equal(map.get('key 0'), undefined)
})

test('an entry that is asked for survives the generations', () => {
  const map = new TwoGenerationMap<string>(10)
  map.set('asked for', 'kept')
  for (let i = 0; i < 1000; i++) {
    map.set(`key ${i}`, 'forgotten')
    if (i % 9 === 0) assert.equal(map.get('asked for'), 'kept')
  }
})
