import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUDGET_MS, CatchUp } from './catch-up.js'

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** A clock that a step of work moves on by so many ms. */
function begin(stepMs: number) {
  let now = 0
  const catchUp = new CatchUp(() => now)
  const done: string[] = []
  const stream = (name: string, steps: number) => {
    const one = {
      left: steps,
      goOn() {
        while (one.left > 0) {
          if (!catchUp.hasTime()) {
            catchUp.postpone(one)
            return
          }
          one.left--
          now += stepMs
          done.push(name)
        }
      },
    }
    return one
  }
  return { done, stream }
}

test('streams that are let go together share the time of a turn, and go on in the next', async () => {
  const { done, stream } = begin((3 / 8) * BUDGET_MS)
  const streams = ['a', 'b', 'c'].map((name) => stream(name, 5))
  for (const it of streams) it.goOn()
  const turns = [done.length]
  while (done.length < 15) {
    const before = done.length
    await nextTurn()
    turns.push(done.length - before)
  }
  assert.ok(
    turns.every((count) => count <= 3),
    `steps of three eighths of the time of a turn: ${turns}`,
  )
  assert.equal(done.join(''), 'aaaaabcccbbbccb')
})

test('what takes longer than a turn has goes on all the same, one in each turn', async () => {
  const { done, stream } = begin(6 * BUDGET_MS)
  for (const it of [stream('a', 3), stream('b', 3)]) it.goOn()
  for (let turn = 0; turn < 6; turn++) await nextTurn()
  assert.equal(done.join(''), 'aababb')
})
