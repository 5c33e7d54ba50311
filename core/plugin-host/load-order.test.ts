import assert from 'node:assert/strict'
import test from 'node:test'
import { loadOrder } from './load-order.js'

const plugin = (name: string, requires: readonly string[] = [], provides: readonly string[] = []) => ({ name, requires, provides })
const names = (plugins: readonly { readonly name: string }[]) => plugins.map((it) => it.name)

test('a provider comes before what requires it, the rest stays in the order it was found in', () => {
  const { order, problems } = loadOrder([plugin('a'), plugin('b', ['maps']), plugin('c'), plugin('d', [], ['maps'])])
  assert.deepEqual(names(order), ['a', 'd', 'b', 'c'])
  assert.equal(problems.size, 0)
})

test('a missing requirement is a problem of that plugin and its dependents alone', () => {
  const { order, problems } = loadOrder([plugin('top', ['middle']), plugin('middle', ['nothing'], ['middle']), plugin('alone')])
  assert.deepEqual(names(order), ['alone'])
  assert.match(problems.get('middle') ?? '', /requires service "nothing", which no plugin provides/)
  assert.equal(problems.get('top'), 'requires service "middle", whose plugin "middle" failed')
})

test('a circle is named to all that are in it', () => {
  const { order, problems } = loadOrder([
    plugin('outside', ['x']),
    plugin('a', ['y'], ['x']),
    plugin('b', ['z'], ['y']),
    plugin('c', ['x'], ['z']),
    plugin('alone'),
  ])
  assert.deepEqual(names(order), ['alone'])
  for (const name of ['a', 'b', 'c']) assert.match(problems.get(name) ?? '', /in a circle: "a" → "b" → "c" → "a"/)
  assert.match(problems.get('outside') ?? '', /whose plugin "a" failed/)
})

test('a plugin that requires what it provides itself is told so', () => {
  assert.match(loadOrder([plugin('a', ['x'], ['x'])]).problems.get('a') ?? '', /requires a service that it provides itself; take it out of requires/)
})

test('the second to provide a service is refused', () => {
  const { order, problems } = loadOrder([plugin('first', [], ['maps']), plugin('second', [], ['maps'])])
  assert.deepEqual(names(order), ['first'])
  assert.match(problems.get('second') ?? '', /as plugin "first" does already/)
})

test('of a circle and a missing requirement both are named', () => {
  const { problems } = loadOrder([plugin('a', ['nothing', 'y'], ['x']), plugin('b', ['x'], ['y'])])
  assert.deepEqual([...problems.keys()].sort(), ['a', 'b'])
})
