import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import type { Node } from './node.js'
import { PubsubServices } from './services.js'

const jid = (name: string) => Jid.parse(`${name}@test`)

/** @param gate what each reading waits for */
function services(limit: number, gate: () => Promise<void> = () => Promise.resolve()) {
  const reads: string[][] = []
  const source = {
    async load(ids: readonly string[]) {
      reads.push([...ids])
      await gate()
      const many = new Map(Array.from({ length: 30 }, (_, i): [string, Node] => [String(i), {} as Node]))
      return new Map(ids.map((id): [string, Map<string, Node>] => [id, id.startsWith('rich') ? many : new Map()]))
    },
  }
  return { reads, services: new PubsubServices(source, { id: 'pubsub', jid: Jid.parse('pubsub.test') }, limit) }
}

test('a service is read once, and is there at once afterwards', async () => {
  const { reads, services: all } = services(10)
  const [one, two] = await Promise.all([all.of(jid('a')), all.of(jid('a'))])
  assert.equal(one, two)
  assert.equal(all.of(jid('a')), one)
  assert.deepEqual(reads, [['a@test']])
})

test('several are read together, and only those that are not there', async () => {
  const { reads, services: all } = services(10)
  await all.of(jid('a'))
  const found = await all.ofAll([jid('a'), jid('b'), jid('c')])
  assert.deepEqual(
    found.map((it) => it.id).sort((x, y) => x.localeCompare(y)),
    ['a@test', 'b@test', 'c@test'],
  )
  assert.deepEqual(reads, [['a@test'], ['b@test', 'c@test']])
  assert.ok(!(all.ofAll([jid('b'), jid('c')]) instanceof Promise))
})

test('the server’s own service has an id of its own, and is never forgotten', async () => {
  const { services: all } = services(2)
  const own = await all.of(Jid.parse('pubsub.test'))
  assert.deepEqual([own.id, own.kind], ['pubsub', 'service'])
  for (const name of ['a', 'b', 'c']) await all.of(jid(name))
  assert.equal(all.of(Jid.parse('pubsub.test')), own)
})

test('the longest unused is forgotten, but never one that is being changed', async () => {
  let open = () => {}
  const { services: all } = services(2)
  const changing = all.change(jid('a'), () => new Promise<void>((resolve) => (open = resolve)))
  const held = await all.of(jid('a'))
  for (const name of ['b', 'c', 'd']) await all.of(jid(name))
  assert.equal(all.size, 2)
  assert.equal(all.of(jid('a')), held)
  open()
  await changing
  await all.whenIdle()
  for (const name of ['b', 'c']) await all.of(jid(name))
  assert.notEqual(await all.of(jid('a')), held)
})

test('changes of one service wait for one another, also after one that fails', async () => {
  const { services: all } = services(10)
  const order: string[] = []
  const step = (name: string, fails = false) =>
    all.change(jid('a'), async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
    })
  const [first, second] = [step('first', true), step('second')]
  await assert.rejects(first, /first/)
  await second
  assert.deepEqual(order, ['first begins', 'first ends', 'second begins', 'second ends'])
})

test('a reading that fails is tried again by who asks next', async () => {
  let fails = true
  const { services: all, reads } = services(10, async () => {
    if (fails) throw new Error('no database')
  })
  await assert.rejects(Promise.resolve(all.of(jid('a'))), /no database/)
  await assert.rejects(Promise.resolve(all.ofAll([jid('a'), jid('b')])), /no database/)
  fails = false
  assert.equal((await all.of(jid('a'))).id, 'a@test')
  assert.equal(reads.length, 3)
})

test('accounts with very many nodes take the room of others', async () => {
  const { services: all } = services(10)
  for (const name of ['a', 'b', 'rich1', 'rich2']) await all.of(jid(name))
  assert.equal(all.size, 4)
  await all.of(jid('rich3'))
  await all.of(jid('c'))
  assert.equal(all.size, 3, 'the poor ones that came first went, and then the first rich one')
  assert.ok(!(all.of(jid('rich3')) instanceof Promise))
})
