import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RegistrationLimit } from './registration-limit.js'

const HOUR = 3_600_000

test('the share of an address comes back after an hour', () => {
  const limit = new RegistrationLimit(1)
  assert.equal(limit.take('192.0.2.1', 0), true)
  assert.equal(limit.take('192.0.2.1', HOUR - 1), false)
  assert.equal(limit.take('192.0.2.1', HOUR), true)
})

test('addresses of one IPv6 network share, however they are written', () => {
  const limit = new RegistrationLimit(1)
  assert.equal(limit.take('2001:db8:1:2::1', 0), true)
  assert.equal(limit.take('2001:db8:1:2:3:4:5:6', 0), false)
  assert.equal(limit.take('2001:db8:1:3::1', 0), true)
  assert.equal(limit.take('::1', 0), true)
})

test('IPv4 addresses written as IPv6 do not share', () => {
  const limit = new RegistrationLimit(1)
  assert.equal(limit.take('::ffff:192.0.2.1', 0), true)
  assert.equal(limit.take('::ffff:192.0.2.2', 0), true)
})

test('the table does not outgrow its limit, whoever comes', () => {
  const limit = new RegistrationLimit(5)
  for (let i = 0; i < 30_000; i++) limit.take(`host-${i}`, i)
  assert.ok(limit.size <= 10_000)
})

test('zero sets no limit and remembers nobody', () => {
  const limit = new RegistrationLimit(0)
  for (let i = 0; i < 100; i++) assert.equal(limit.take('192.0.2.1', 0), true)
  assert.equal(limit.size, 0)
})
