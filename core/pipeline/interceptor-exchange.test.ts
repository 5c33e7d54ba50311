import assert from 'node:assert/strict'
import test from 'node:test'
import { message, type PacketInterceptor } from '@beaconfire/plugin-sdk'
import { chainWith, gate, romeo } from './interceptor-chain.fixture.js'

function noting(calls: string[], version: string, rest: Partial<PacketInterceptor> = {}): PacketInterceptor {
  const note = ({ incoming, processed }: { incoming: boolean; processed: boolean }) =>
    void calls.push(`${version} ${incoming ? 'IN' : 'OUT'}-${processed ? 'post' : 'pre'}`)
  return { name: 'note', band: 'observe', interceptPacket: note, ...rest }
}

test('a stanza under way sees one version at its own crossing and at those of its recipients; the next one sees the new', async () => {
  const calls: string[] = []
  const slow = gate()
  const { chain, run } = chainWith({ name: 'slow', band: 'guard', when: { incoming: true, processed: false }, interceptPacket: () => slow.passed })
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
  chain.batch(() => {
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
  const { chain, run } = chainWith({ name: 'slow', band: 'guard', when: { processed: false }, interceptPacket: () => gates.shift()?.passed })
  await chain.whenDrained()
  const early = run()
  chain.add('other', noting([], 'new'))
  const later = run()
  let isDrained = false
  const drained = chain.whenDrained().then(() => {
    isDrained = true
  })
  await new Promise(setImmediate)
  assert.equal(isDrained, false)
  first.open()
  await early
  await drained
  second.open()
  await later
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
  const chat = message({ to: 'juliet@test', type: 'chat' })
  assert.equal(chain.rewritesOutgoing(chat, romeo), false)
  chain.add('other', noting([], 'writes', { when: { type: 'headline', incoming: false } }))
  assert.equal(chain.rewritesOutgoing(chat, romeo), false)
  assert.equal(chain.rewritesOutgoing(message({ to: 'juliet@test', type: 'headline' }), romeo), true)
})
