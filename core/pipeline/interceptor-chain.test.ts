import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Jid, message, type PacketInterceptor, PacketRejected, presence, type Session, type Stanza } from '@beaconfire/plugin-sdk'
import { recordingLogger } from '@beaconfire/plugin-sdk/testing'
import type { Origin } from './crossing.js'
import { InterceptorChain } from './interceptor-chain.js'

function sessionOf(jid: string): Origin {
  const held: Promise<unknown>[] = []
  const session = {
    kind: 'client',
    id: jid,
    jid: Jid.parse(jid),
    remoteAddress: '',
    secure: true,
    hold: (it: Promise<unknown>) => void held.push(it),
  }
  return Object.assign(session as Session, { hold: session.hold, held })
}

const romeo = sessionOf('romeo@test/orchard')

function chainWith(...interceptors: PacketInterceptor[]) {
  const { log, entries } = recordingLogger()
  const chain = new InterceptorChain(log)
  for (const interceptor of interceptors) chain.add('plugin', interceptor)
  const acted: string[] = []
  const rejections: PacketRejected[] = []
  const run = (packet: Stanza = message({ to: 'juliet@test', type: 'chat' }), incoming = true) =>
    chain.around(
      incoming,
      packet,
      romeo,
      romeo,
      packet,
      (it) => {
        acted.push(it.toString())
        return true
      },
      (rejection) => void rejections.push(rejection),
    )
  return { chain, entries, acted, rejections, run }
}

function noting(calls: string[], name: string, rest: Partial<PacketInterceptor> = {}): PacketInterceptor {
  return { name, band: 'observe', interceptPacket: ({ incoming, processed }) => void calls.push(`${name} ${incoming} ${processed}`), ...rest }
}

describe('the interceptor chain', () => {
  test('calls before and after the act, without a promise while nobody is asynchronous', () => {
    const calls: string[] = []
    const { run } = chainWith(noting(calls, 'a'))
    assert.equal(run(), true)
    assert.deepEqual(calls, ['a true false', 'a true true'])
  })

  test('orders by band, then by adding, whatever the order of adding across bands', () => {
    const calls: string[] = []
    const { run } = chainWith(
      noting(calls, 'observe'),
      noting(calls, 'transform-1', { band: 'transform' }),
      noting(calls, 'guard', { band: 'guard' }),
      noting(calls, 'transform-2', { band: 'transform' }),
    )
    void run()
    assert.deepEqual(
      calls.slice(0, 4).map((it) => it.split(' ')[0]),
      ['guard', 'transform-1', 'transform-2', 'observe'],
    )
  })

  test('keeps the order, and holds the act back, when one of them is asynchronous', async () => {
    const calls: string[] = []
    let release: () => void = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const { run, acted } = chainWith(
      noting(calls, 'slow', {
        interceptPacket: async ({ processed }) => {
          if (!processed) await slow
          calls.push(`slow ${processed}`)
        },
      }),
      noting(calls, 'next'),
    )
    const done = run()
    assert.ok(done instanceof Promise)
    assert.deepEqual([calls, acted], [[], []])
    release()
    assert.equal(await done, true)
    assert.deepEqual(calls, ['slow false', 'next true false', 'slow true', 'next true true'])
  })

  test('is not called for what `when` leaves out', () => {
    const calls: string[] = []
    const { run } = chainWith(
      noting(calls, 'presence', { when: { stanza: 'presence' } }),
      noting(calls, 'outgoing', { when: { incoming: false } }),
      noting(calls, 'headline', { when: { type: 'headline' } }),
      noting(calls, 'after', { when: { processed: true, stanza: ['message', 'iq'], type: ['chat', 'normal'] } }),
    )
    void run()
    assert.deepEqual(calls, ['after true true'])
  })

  test('a rejection ends the stage: no later interceptor, no act, no second pass', () => {
    const calls: string[] = []
    const { run, acted, rejections } = chainWith(
      noting(calls, 'guard', {
        band: 'guard',
        interceptPacket: () => {
          throw new PacketRejected({ condition: 'policy-violation', text: 'no' })
        },
      }),
      noting(calls, 'later'),
    )
    assert.equal(run(), false)
    assert.deepEqual([calls, acted], [[], []])
    assert.equal(rejections[0]?.condition, 'policy-violation')
  })

  test('an error is logged with the plugin and the stanza goes on, or is rejected where the interceptor must not be missed', () => {
    const fails = (onError: 'open' | 'closed'): PacketInterceptor => ({
      name: `fails-${onError}`,
      band: 'guard',
      onError,
      when: { processed: false },
      interceptPacket() {
        throw new Error('broken')
      },
    })
    const open = chainWith(fails('open'))
    assert.equal(open.run(), true)
    assert.equal(open.entries[0]?.fields.plugin, 'plugin')
    const closed = chainWith(fails('closed'))
    assert.equal(closed.run(), false)
    assert.equal(closed.rejections[0]?.condition, 'internal-server-error')
  })

  test('an interceptor that keeps failing is switched off, and the operator sees it', () => {
    const { run, chain, entries } = chainWith({
      name: 'broken',
      band: 'observe',
      when: { processed: false },
      interceptPacket() {
        throw new Error('broken')
      },
    })
    for (let i = 0; i < 8; i++) void run()
    const [status] = chain.statuses()
    assert.equal(status?.breaker, 'open')
    assert.equal(status?.errors, 5)
    assert.equal(status?.skipped, 3)
    assert.equal(entries.filter((it) => it.message === 'interceptor is switched off for now').length, 1)
  })

  test('an interceptor that never returns is given up when its budget is spent', async () => {
    const { run, chain, acted } = chainWith({
      name: 'stuck',
      band: 'guard',
      budget: 5,
      when: { processed: false },
      interceptPacket: () => new Promise(() => {}),
    })
    assert.equal(await run(), true)
    assert.equal(acted.length, 1)
    assert.equal(chain.statuses()[0]?.overruns, 1)
  })

  test('an interceptor for one user is called for the sessions of that user alone', () => {
    const calls: string[] = []
    const { run } = chainWith(noting(calls, 'romeo', { user: 'romeo' }), noting(calls, 'juliet', { user: 'juliet' }), noting(calls, 'all'))
    void run(presence())
    assert.deepEqual(calls, ['all true false', 'romeo true false', 'all true true', 'romeo true true'])
  })

  test('a packet under way sees the chain it began with when interceptors come and go', async () => {
    const calls: string[] = []
    let release: () => void = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const { run, chain } = chainWith({ name: 'slow', band: 'guard', when: { processed: false }, interceptPacket: () => slow })
    const undo = chain.add('other', noting(calls, 'old'))
    const done = run()
    undo()
    chain.add('other', noting(calls, 'new'))
    release()
    await done
    assert.deepEqual(calls, ['old true false', 'old true true'])
  })

  test('what is not handed over has no second pass on the way out', () => {
    const calls: string[] = []
    const { chain } = chainWith(noting(calls, 'a'))
    const packet = message({ to: 'juliet@test' })
    const handed = chain.around(
      false,
      packet,
      romeo,
      romeo,
      packet,
      () => false,
      () => {},
    )
    assert.equal(handed, false)
    assert.deepEqual(calls, ['a false false'])
  })
})
