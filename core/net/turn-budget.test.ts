import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BUDGET_MS, TurnBudget } from './turn-budget.js'

/** A clock that stands still unless it is moved. */
function begin() {
  let now = 0
  const ends: number[] = []
  const budget = new TurnBudget(
    () => void ends.push(now),
    () => now,
  )
  return { budget, ends, pass: (ms: number) => void (now += ms) }
}

test('a turn has time until its budget is spent, and the next turn has some again', async () => {
  const { budget, pass } = begin()
  assert.equal(budget.hasTime(), true)
  pass(BUDGET_MS - 1)
  assert.equal(budget.hasTime(), true)
  pass(2)
  assert.equal(budget.hasTime(), false)
  await nextTurn()
  assert.equal(budget.hasTime(), true)
})

test('what was postponed runs in order, as much in a turn as there is time for, and before what came later', async () => {
  const { budget, ends, pass } = begin()
  const done: number[] = []
  for (const at of [1, 2, 3, 4, 5]) {
    budget.postpone({
      run: () => {
        done.push(at)
        pass(BUDGET_MS / 2)
      },
    })
  }
  await nextTurn()
  assert.deepEqual(done, [1, 2])
  assert.equal(budget.hasTime(), false, 'others wait')
  await nextTurn()
  await nextTurn()
  assert.deepEqual(done, [1, 2, 3, 4, 5])
  assert.equal(budget.hasTime(), true)
  assert.deepEqual(ends, [BUDGET_MS, 2 * BUDGET_MS, 2.5 * BUDGET_MS], 'each turn was told once, after its work')
})

test('what postponed work sets going counts as its time', async () => {
  const { budget, pass } = begin()
  const done: number[] = []
  const work = async (at: number) => {
    for (let step = 0; step < 4; step++) await Promise.resolve()
    done.push(at)
    pass(BUDGET_MS / 2)
  }
  for (const at of [1, 2, 3]) budget.postpone({ run: () => void work(at) })
  await nextTurn()
  assert.deepEqual(done, [1, 2])
  await nextTurn()
  assert.deepEqual(done, [1, 2, 3])
})

/** Work of so many steps, each of which asks for time and moves the clock on. */
function stepwise(stepMs: number) {
  const { budget, pass } = begin()
  const done: string[] = []
  const work = (name: string, steps: number) => {
    let left = steps
    const one = {
      run() {
        for (; left > 0; left--) {
          if (!budget.hasTime()) return budget.postpone(one)
          pass(stepMs)
          done.push(name)
        }
      },
    }
    return one
  }
  return { done, work }
}

test('work of many steps shares the time of a turn with others, and goes on in the next', async () => {
  const { done, work } = stepwise((3 / 8) * BUDGET_MS)
  for (const name of ['a', 'b', 'c']) work(name, 5).run()
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

test('a step that takes longer than a turn has is done all the same, one in each turn', async () => {
  const { done, work } = stepwise(6 * BUDGET_MS)
  for (const name of ['a', 'b']) work(name, 3).run()
  for (let turn = 0; turn < 6; turn++) await nextTurn()
  assert.equal(done.join(''), 'aababb')
})
