import assert from 'node:assert/strict'
import test from 'node:test'
import { message, type PacketInterceptor, type Stanza } from '@beaconfire/plugin-sdk'
import { chainWith, gate, romeo } from './interceptor-chain.fixture.js'

function noting(calls: string[], version: string, rest: Partial<PacketInterceptor> = {}): PacketInterceptor {
  const note = ({ incoming, processed }: { incoming: boolean; processed: boolean }) =>
    void calls.push(`${version} ${incoming ? 'IN' : 'OUT'}-${processed ? 'post' : 'pre'}`)
  return { name: 'note', band: 'observe', interceptPacket: note, ...rest }
}

test('a stanza under way sees one version at its own crossing and at those of its recipients; the next one sees the new', async () => {
  const calls: string[] = []
  const slow = gate()
  const { chain, tables, run } = chainWith({
    name: 'slow',
    band: 'guard',
    when: { incoming: true, processed: false },
    interceptPacket: () => slow.passed,
  })
  const undo = chain.add('noting', noting(calls, 'old'))
  const packet = message({ to: 'juliet@test' })
  const deliver = () =>
    chain.around(
      false,
      packet.clone(),
      romeo,
      romeo,
      packet,
      () => true,
      () => undefined,
    )
  const done = chain.around(true, packet, romeo, romeo, packet, deliver, () => undefined)
  tables.exchange(() => {
    undo()
    chain.add('noting', noting(calls, 'new'))
  })
  slow.open()
  await done
  assert.deepEqual(calls.splice(0), ['old IN-pre', 'old OUT-pre', 'old OUT-post', 'old IN-post'])
  await run()
  assert.deepEqual(calls, ['new IN-pre', 'new IN-post'])
})

test('who waits for the old version to drain waits for the stanzas that began with it, and for no others', async () => {
  const [first, second] = [gate(), gate()]
  const gates = [first, second]
  const { chain, tables, run } = chainWith({ name: 'slow', band: 'guard', when: { processed: false }, interceptPacket: () => gates.shift()?.passed })
  assert.equal(await tables.drained(1000), true)
  const early = run()
  chain.add('other', noting([], 'new'))
  const later = run()
  let isDrained = false
  const drained = tables.drained(10_000).then(() => {
    isDrained = true
  })
  await new Promise(setImmediate)
  assert.equal(isDrained, false)
  first.open()
  await early
  await drained
  assert.equal(tables.isSettled, true)
  second.open()
  await later
})

test('what is under way still when the time is up meets from then on what serves', async () => {
  const calls: string[] = []
  const hang = gate()
  const { chain, tables, acted } = chainWith()
  const undo = chain.add('noting', noting(calls, 'old'))
  const packet = message({ to: 'juliet@test' })
  const cross = (incoming: boolean, act: () => true | Promise<true>) => chain.around(incoming, packet, romeo, romeo, packet, act, () => undefined)
  const done = cross(true, () => hang.passed.then(() => cross(false, () => true) as true))
  tables.exchange(() => {
    undo()
    chain.add('noting', noting(calls, 'new'))
  })
  assert.equal(await tables.drained(1), false)
  assert.equal(tables.isSettled, true)
  hang.open()
  await done
  assert.deepEqual(calls, ['old IN-pre', 'new OUT-pre', 'new OUT-post', 'old IN-post'])
  assert.deepEqual(acted, [])
})

test('the copy that goes on where an interceptor was given up is of the same generation as the stanza', async () => {
  const calls: string[] = []
  const { chain, tables } = chainWith({
    name: 'never',
    band: 'guard',
    budget: 1,
    when: { incoming: true, processed: false },
    interceptPacket: () => new Promise<never>(() => undefined),
  })
  const undo = chain.add('noting', noting(calls, 'old', { when: { incoming: false } }))
  const packet = message({ to: 'juliet@test' })
  const deliver = (given: Stanza) =>
    chain.around(
      false,
      given.clone(),
      romeo,
      romeo,
      given,
      () => true,
      () => undefined,
    )
  const done = chain.around(true, packet, romeo, romeo, packet, deliver, () => undefined)
  tables.exchange(() => {
    undo()
    chain.add('noting', noting(calls, 'new', { when: { incoming: false } }))
  })
  await done
  assert.deepEqual(calls, ['old OUT-pre', 'old OUT-post'])
})

test('a stanza whose type is rewritten meets those that want the new type, from there on', async () => {
  for (const wait of [undefined, Promise.resolve()]) {
    const calls: string[] = []
    const seen = (name: string, type: string) =>
      noting([], '', { name, when: { type, processed: false }, interceptPacket: () => void calls.push(name) })
    const { run } = chainWith(
      seen('headline before', 'headline'),
      seen('chat before', 'chat'),
      {
        name: 'rewrite',
        band: 'observe',
        when: { processed: false },
        interceptPacket({ packet }) {
          packet.setAttribute('type', 'headline')
          return wait
        },
      },
      seen('chat after', 'chat'),
      seen('headline after', 'headline'),
    )
    await run()
    assert.deepEqual(calls, ['chat before', 'headline after'])
  }
})

test('an interceptor may take its crossing apart and hold', () => {
  const held: unknown[] = []
  const { run } = chainWith({ name: 'holds', band: 'observe', when: { processed: false }, interceptPacket: ({ hold }) => hold(Promise.resolve(1)) })
  const { hold } = romeo
  romeo.hold = (durable) => void held.push(durable)
  try {
    assert.equal(run(), true)
  } finally {
    romeo.hold = hold
  }
  assert.equal(held.length, 1)
})

test('a recipient needs a copy of its own only where somebody wants its stanza who may change it', () => {
  const { chain } = chainWith(noting([], 'reads', { name: 'reads', readOnly: true }))
  const isCopied = (packet: Stanza) => {
    let copies = 0
    const ownCopy = (given: Stanza) => {
      copies++
      return given.clone()
    }
    const act = (handed: Stanza) => (handed !== packet) === (copies === 1)
    assert.equal(
      chain.around(false, packet, romeo, romeo, packet, act, () => undefined, ownCopy),
      true,
    )
    return copies === 1
  }
  const chat = message({ to: 'juliet@test', type: 'chat' })
  assert.equal(isCopied(chat), false)
  chain.add('other', noting([], 'writes', { when: { type: 'headline', incoming: false } }))
  assert.equal(isCopied(chat), false)
  assert.equal(isCopied(message({ to: 'juliet@test', type: 'headline' })), true)
})
