import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChangeQueue } from './change-queue.js'

describe('changes of a roster', () => {
  it('come one at a time, in their order', async () => {
    const changes = new ChangeQueue()
    const log: string[] = []
    const change = (name: string) => async () => {
      log.push(`${name} begins`)
      await Promise.resolve()
      log.push(`${name} ends`)
    }
    await Promise.all([changes.add(change('first')), changes.add(change('second'))])
    assert.deepEqual(log, ['first begins', 'first ends', 'second begins', 'second ends'])
  })

  it('that yield let all others go first that wait', async () => {
    const changes = new ChangeQueue()
    const log: string[] = []
    const change = (name: string) => async () => void log.push(name)
    const requests = ['a', 'b', 'c'].map((name) => changes.add(change(`request of ${name}`), true))
    await Promise.all([...requests, changes.add(change('answer to a'))])
    assert.deepEqual(log, ['request of a', 'answer to a', 'request of b', 'request of c'])
  })

  it('that fail are told to who asked for them, and keep no other', async () => {
    const changes = new ChangeQueue()
    const failed = changes.add(() => Promise.reject(new Error('the disk is full')))
    const next = changes.add(async () => 'stored')
    await assert.rejects(failed, /the disk is full/)
    assert.equal(await next, 'stored')
    await changes.whenIdle()
    assert.equal(changes.isIdle, true)
  })
})
