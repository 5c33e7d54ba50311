import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import { Resumptions } from './resumptions.js'

class FakeSession {
  readonly jid = Jid.parse('juliet@test/balcony')
  expired = 0
  parts = 0
  expire(): void {
    this.expired++
  }
  acknowledgePart(): void {
    this.parts++
  }
}

test('only its own account finds a session, and learns what was handled after it ended', () => {
  const resumptions = new Resumptions<FakeSession>()
  const session = new FakeSession()
  resumptions.add('id', session)
  assert.deepEqual(
    [resumptions.find('id', 'juliet'), resumptions.find('id', 'romeo'), resumptions.find('other', 'juliet')],
    [session, undefined, undefined],
  )
  assert.equal(resumptions.handledBefore('id', 'juliet'), undefined)
  resumptions.ended(session, 'id', 7)
  assert.deepEqual(
    [resumptions.find('id', 'juliet'), resumptions.handledBefore('id', 'juliet'), resumptions.handledBefore('id', 'romeo')],
    [undefined, 7, undefined],
  )
})

test('a session without a connection expires when its time is over, unless it was resumed', (t) => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  mock.timers.enable({ apis: ['setInterval'] })
  t.after(() => mock.timers.reset())
  const tick = (ms: number) => {
    now += ms
    mock.timers.tick(ms)
  }
  const resumptions = new Resumptions<FakeSession>()
  const [lost, back] = [new FakeSession(), new FakeSession()]
  resumptions.wait(lost, 3)
  resumptions.wait(back, 3)
  tick(2000)
  resumptions.wait(lost, 3) // says nothing new
  resumptions.resumed(back)
  tick(1000)
  assert.deepEqual([lost.expired, back.expired, resumptions.waiting], [1, 0, 1])
  resumptions.ended(lost, undefined, 0)
  resumptions.owe(back)
  tick(2000)
  assert.deepEqual([lost.expired, back.parts > 0], [1, true])
  resumptions.settled(back)
  const { parts } = back
  tick(5000)
  assert.equal(back.parts, parts)
})
