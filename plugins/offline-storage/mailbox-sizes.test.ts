import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailboxSizes } from './mailbox-sizes.js'

/** Sizes whose loading ends when the test says so. */
function sizes() {
  const loads: { resolve(size: number): void; reject(error: Error): void }[] = []
  return { loads, sizes: new MailboxSizes(() => new Promise((resolve, reject) => loads.push({ resolve, reject }))) }
}

test('a mailbox is asked for once, however many wait, and then known at once', async () => {
  const it = sizes()
  const waiting = [Promise.resolve(it.sizes.of('juliet')), Promise.resolve(it.sizes.of('juliet'))]
  assert.equal(it.loads.length, 1)
  it.loads[0]?.resolve(10)
  assert.deepEqual(await Promise.all(waiting), [10, 10])
  it.sizes.grow('juliet', 5)
  assert.equal(it.sizes.of('juliet'), 15)
})

test('what was forgotten while it was loaded is asked for again', async () => {
  const it = sizes()
  const waiting = it.sizes.of('juliet')
  it.sizes.forget('juliet')
  it.loads[0]?.resolve(10)
  assert.equal(await waiting, 10)
  const again = it.sizes.of('juliet')
  assert.equal(it.loads.length, 2)
  it.loads[1]?.resolve(0)
  assert.equal(await again, 0)
})

test('a database that failed is asked again', async () => {
  const it = sizes()
  const failing = it.sizes.of('juliet')
  it.loads[0]?.reject(new Error('away'))
  await assert.rejects(Promise.resolve(failing), /away/)
  const again = it.sizes.of('juliet')
  it.loads[1]?.resolve(1)
  assert.equal(await again, 1)
})

test('users beyond the limit are forgotten, the first first', async () => {
  const it = new MailboxSizes(async () => 1)
  await it.of('first')
  for (let i = 0; i < 20_000; i++) await it.of(`user-${i}`)
  assert.equal(typeof it.of('user-19999'), 'number')
  assert.ok(it.of('first') instanceof Promise)
})
