import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Direction, STATES, type SubscriptionState, type SubscriptionType, transition } from './subscription-states.js'

/** Appendix A.2 and A.3, a row a state, in the RFC's words: does it go on, and what is the state then ("-": as before). */
const APPENDIX: readonly [string, Direction, SubscriptionType, readonly string[]][] = [
  ['A.2.1', 'outbound', 'subscribe', ['+ none-out', '+ -', '+ none-out-in', '+ -', '+ -', '+ -', '+ from-out', '+ -', '+ -']],
  ['A.2.2', 'outbound', 'unsubscribe', ['+ -', '+ none', '+ -', '+ none-in', '+ none', '+ none-in', '+ -', '+ from', '+ from']],
  ['A.2.3', 'outbound', 'subscribed', ['no -', 'no -', '+ from', '+ from-out', 'no -', '+ both', 'no -', 'no -', 'no -']],
  ['A.2.4', 'outbound', 'unsubscribed', ['no -', 'no -', '+ none', '+ none-out', 'no -', '+ to', '+ none', '+ none-out', '+ to']],
  ['A.3.1', 'inbound', 'subscribe', ['+ none-in', '+ none-out-in', 'no -', 'no -', '+ to-in', 'no -', 'no -', 'no -', 'no -']],
  ['A.3.2', 'inbound', 'unsubscribe', ['no -', 'no -', '+ none', '+ none-out', 'no -', '+ to', '+ none', '+ none-out', '+ to']],
  ['A.3.3', 'inbound', 'subscribed', ['no -', '+ to', 'no -', '+ to-in', 'no -', 'no -', 'no -', '+ both', 'no -']],
  ['A.3.4', 'inbound', 'unsubscribed', ['no -', '+ none', 'no -', '+ none-in', '+ none', '+ none-in', 'no -', '+ from', '+ from']],
]

const ORDER: readonly SubscriptionState[] = ['none', 'none-out', 'none-in', 'none-out-in', 'to', 'to-in', 'from', 'from-out', 'both']

for (const [section, direction, type, rows] of APPENDIX) {
  test(`RFC 6121 ${section}: ${direction} ${type} in every state`, () => {
    assert.equal(rows.length, ORDER.length)
    for (const [index, state] of ORDER.entries()) {
      const [passes, next] = (rows[index] as string).split(' ')
      const expected = { passes: passes === '+', next: next === '-' ? state : next }
      assert.deepEqual(transition(direction, type, state), expected, `in state ${state}`)
    }
  })
}

test('the table knows all nine states', () => {
  assert.deepEqual(STATES, ORDER)
})
