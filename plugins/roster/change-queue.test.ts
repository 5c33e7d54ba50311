import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChangeQueue, PATIENCE_MS } from './change-queue.js'

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
    const requests = ['a', 'b', 'c'].map((name) => changes.add(change(`request of ${name}`), () => true))
    await Promise.all([...requests, changes.add(change('answer to a'))])
    assert.deepEqual(log, ['request of a', 'answer to a', 'request of b', 'request of c'])
  })

  it('that may not go yet wait for others, one for each place that these make', async () => {
    const changes = new ChangeQueue()
    const log: string[] = []
    let places = 1
    const request = (name: string) =>
      changes.add(
        async () => {
          places--
          log.push(`request of ${name}`)
        },
        () => places > 0,
      )
    const answer = (name: string) =>
      changes.add(async () => {
        places++
        log.push(`answer to ${name}`)
      })
    const requests = ['a', 'b', 'c'].map(request)
    await requests[0]
    await changes.add(async () => void log.push('a name'))
    await answer('a')
    await requests[1]
    await answer('b')
    await Promise.all(requests)
    assert.deepEqual(log, ['request of a', 'a name', 'answer to a', 'request of b', 'answer to b', 'request of c'])
    await changes.whenIdle()
  })

  it('that may not go do so all the same when nothing else comes for long, without each waiting anew', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const changes = new ChangeQueue()
    const log: string[] = []
    const request = (name: string) =>
      changes.add(
        async () => void log.push(name),
        () => false,
      )
    const requests = ['a', 'b'].map(request)
    await new Promise(setImmediate)
    t.mock.timers.tick(PATIENCE_MS - 1)
    await new Promise(setImmediate)
    assert.equal(log.length, 0)
    t.mock.timers.tick(1)
    await Promise.all(requests)
    await request('c')
    assert.deepEqual(log, ['a', 'b', 'c'])
    await changes.add(async () => void log.push('answer'))
    const late = request('d')
    await new Promise(setImmediate)
    assert.deepEqual(log, ['a', 'b', 'c', 'answer'], 'after a change there may be room again')
    t.mock.timers.tick(PATIENCE_MS)
    await late
    assert.equal(log.at(-1), 'd')
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
