import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, Jid, type Timers } from '@beaconfire/plugin-sdk'
import { CommandSessions } from './command-sessions.js'

const command: Command = { node: 'n', name: 'N', allowed: 'users', execute: () => ({}) }
const stage = { form: { fields: [] }, submit: () => ({}) }
const request = { user: Jid.parse('juliet@test/a'), lang: undefined }

test('a command that nobody goes on with expires; each step gives it more time', () => {
  const due = new Set<() => void>()
  const timers: Timers = {
    after(ms, run) {
      assert.equal(ms, 60_000)
      const fire = () => void run()
      due.add(fire)
      return { cancel: () => void due.delete(fire) }
    },
    every: () => assert.fail(),
  }
  const sessions = new CommandSessions({ sessionSeconds: 60, maxSessions: 10, maxSessionsPerUser: 10 }, timers)
  const [a, b, c] = [sessions.begin(command, request, stage), sessions.begin(command, request, stage), sessions.begin(command, request, stage)]
  const [first] = due
  sessions.touch(a)
  assert.deepEqual([due.size, due.has(first as () => void)], [3, false])
  sessions.end(b)
  assert.equal(due.size, 2)
  for (const fire of [...due]) fire()
  assert.deepEqual([sessions.size, sessions.hasExpired(a.id), sessions.hasExpired(b.id), sessions.hasExpired(c.id)], [0, true, false, true])
  assert.equal(sessions.find(a.id, request.user), undefined)
})
