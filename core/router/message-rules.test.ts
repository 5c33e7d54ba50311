import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type MessageType, message } from '@beaconfire/plugin-sdk'
import { bareJidTargets, whenUndelivered } from './message-rules.js'

const session = (priority: number, isAvailable = true) => ({ priority, isReceptive: isAvailable && priority >= 0 })
const of = (type: MessageType) => message({ type, to: 'juliet@test' })

describe('messages to a bare JID (RFC 6121 section 8.5.2)', () => {
  test('reach every available resource whose priority is not negative', () => {
    const [zero, five, negative, unavailable] = [session(0), session(5), session(-1), session(9, false)]
    assert.deepEqual(bareJidTargets([zero, five, negative, unavailable], of('chat'), true), [zero, five])
  })

  test('reach the highest priority alone where so configured, headlines all the same every one', () => {
    const [zero, five, alsoFive] = [session(0), session(5), session(5)]
    assert.deepEqual(bareJidTargets([zero, five, alsoFive], of('normal'), false), [five, alsoFive])
    assert.deepEqual(bareJidTargets([zero, five, alsoFive], of('headline'), false), [zero, five, alsoFive])
  })

  test('of type groupchat or error reach nobody', () => {
    assert.deepEqual(bareJidTargets([session(0)], of('groupchat'), true), [])
    assert.deepEqual(bareJidTargets([session(0)], of('error'), true), [])
  })
})

describe('messages that reach nobody', () => {
  const table: [MessageType, 'store' | 'bounce' | 'drop', 'store' | 'bounce' | 'drop'][] = [
    ['normal', 'store', 'bounce'],
    ['chat', 'store', 'store'],
    ['groupchat', 'bounce', 'bounce'],
    ['headline', 'drop', 'bounce'],
    ['error', 'drop', 'drop'],
  ]
  for (const [type, toBare, toFull] of table) {
    test(`of type ${type}: ${toBare} for a bare JID, ${toFull} for a resource that is gone`, () => {
      assert.equal(whenUndelivered(of(type), false), toBare)
      assert.equal(whenUndelivered(of(type), true), toFull)
    })
  }
})
