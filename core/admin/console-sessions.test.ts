import assert from 'node:assert/strict'
import test from 'node:test'
import { ConsoleSessions, IDLE_MS, isCsrfToken, LONGEST_MS } from './console-sessions.js'

test('a browser that is idle for an hour is logged out, and each after twelve', () => {
  let now = 0
  const sessions = new ConsoleSessions(() => now)
  const [idle, busy] = [sessions.open('admin'), sessions.open('admin')]
  now = IDLE_MS - 1
  assert.ok(sessions.find(busy))
  now = IDLE_MS
  assert.equal(sessions.find(idle), undefined)
  while (now + IDLE_MS / 2 < LONGEST_MS) {
    now += IDLE_MS / 2
    assert.ok(sessions.find(busy), `at ${now}`)
  }
  now = LONGEST_MS
  assert.equal(sessions.find(busy), undefined)
})

test('each login has a secret and a CSRF token of its own, and no other is taken', () => {
  const sessions = new ConsoleSessions()
  const [one, other] = [sessions.open('admin'), sessions.open('admin')]
  const [first, second] = [sessions.find(one), sessions.find(other)]
  assert.ok(first && second && one !== other && first.csrfToken !== second.csrfToken && one !== first.csrfToken)
  assert.ok(isCsrfToken(first, first.csrfToken))
  for (const wrong of [second.csrfToken, '', undefined, [first.csrfToken]]) assert.equal(isCsrfToken(first, wrong), false)
  for (const unknown of [undefined, '', `${one}x`, 'constructor']) assert.equal(sessions.find(unknown), undefined)
  sessions.close(one)
  assert.equal(sessions.find(one), undefined)
  assert.ok(sessions.find(other))
})
