import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginThrottle } from './login-throttle.js'

function throttle(enabled = true) {
  const clock = { now: 0 }
  const logins = new LoginThrottle({ enabled, now: () => clock.now })
  const fail = (times: number, address: string, username?: string) => {
    for (let i = 0; i < times; i++) logins.failed(address, username)
  }
  return { logins, clock, fail }
}

test('an address that failed twenty times waits until a failure has leaked out', () => {
  const { logins, clock, fail } = throttle()
  fail(19, '192.0.2.1')
  assert.equal(logins.check('192.0.2.1'), true)
  fail(1, '192.0.2.1')
  assert.equal(logins.check('192.0.2.1'), false)
  assert.equal(logins.check('::ffff:192.0.2.1'), false)
  assert.equal(logins.check('192.0.2.2'), true)
  clock.now = 6_000
  assert.equal(logins.check('192.0.2.1'), true)
})

test('success does not clear the failures of its address', () => {
  const { logins, fail } = throttle()
  fail(20, '192.0.2.1', 'victim')
  logins.succeeded('192.0.2.1', 'mallory')
  assert.equal(logins.check('192.0.2.1'), false)
})

test('IPv6 addresses of one /64 count as one', () => {
  const { logins, fail } = throttle()
  fail(10, '2001:db8:0:1::1')
  fail(10, '2001:db8:0:1:2:3:4:5')
  assert.equal(logins.check('2001:db8::1:0:0:0:9'), false)
  assert.equal(logins.check('2001:db8:0:2::1'), true)
})

test('failures in a name delay it, four seconds at most, and are forgotten in minutes', () => {
  const { logins, clock, fail } = throttle()
  const delays: number[] = []
  for (let i = 0; i < 12; i++) {
    delays.push(logins.delayMs('198.51.100.1', 'alice'))
    fail(1, `192.0.2.${i}`, 'alice')
  }
  assert.deepEqual(delays, [0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000])
  assert.equal(logins.delayMs('198.51.100.1', 'bob'), 0)
  clock.now = 300_000
  assert.equal(logins.delayMs('198.51.100.1', 'alice'), 0)
})

test('the owner at a familiar address is not delayed by an attack from elsewhere', () => {
  const { logins, fail } = throttle()
  logins.succeeded('198.51.100.1', 'alice')
  fail(50, '192.0.2.1', 'alice')
  assert.equal(logins.check('198.51.100.1'), true)
  assert.equal(logins.delayMs('198.51.100.1', 'alice'), 0)
  assert.equal(logins.delayMs('203.0.113.1', 'alice'), 4000)
})

test('switched off it lets everything through at once', () => {
  const { logins, fail } = throttle(false)
  fail(100, '192.0.2.1', 'alice')
  assert.equal(logins.check('192.0.2.1'), true)
  assert.equal(logins.slowDown('192.0.2.1', 'alice'), undefined)
})
