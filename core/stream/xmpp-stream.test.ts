import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stanza } from '@beaconfire/plugin-sdk'
import { silentLogger } from '../log.js'
import type { Transport, TransportEvents } from '../net/transport.js'
import { BUDGET_MS, TurnBudget } from '../net/turn-budget.js'
import type { StreamPhase } from './stream-phase.js'
import { XmppStream } from './xmpp-stream.js'

const HEADER = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='test' version='1.0'>`
const LIMITS = { stanzaBytes: 10_000, depth: 8, attributes: 8 }

/** A connection that the test speaks on. */
class FakeTransport implements Transport {
  readonly remoteAddress = '192.0.2.1'
  readonly isSecure = false
  isOpen = true
  readonly queuedBytes = 0
  readonly writes = 0
  readonly writesTaken = 0
  events: TransportEvents | undefined
  bind(events: TransportEvents): void {
    this.events = events
  }
  write(): void {}
  async whenFlushed(): Promise<void> {}
  pause(): void {}
  resume(): void {}
  async startTls(): Promise<void> {}
  end(): void {
    this.isOpen = false
  }
  destroy(): void {}
  say(text: string): void {
    this.events?.data(Buffer.from(text))
  }
  lose(): void {
    this.isOpen = false
    this.events?.closed()
  }
}

/** Notes how it ended. */
class FakePhase implements StreamPhase {
  readonly ends: string[] = []
  readonly handled: string[] = []
  handle: (stanza: Stanza) => void | Promise<void> = () => {}
  features() {
    return ''
  }
  stanza(stanza: Stanza): void | Promise<void> {
    this.handled.push(stanza.id ?? '')
    return this.handle(stanza)
  }
  element(): void {}
  closed(abrupt: boolean): void {
    this.ends.push(abrupt ? 'abrupt' : 'in order')
  }
}

function begin(catchUp = new TurnBudget()) {
  const transport = new FakeTransport()
  const phase = new FakePhase()
  const stream = new XmppStream(transport, { domain: 'test', limits: LIMITS, log: silentLogger, catchUp }, () => phase)
  transport.say(HEADER)
  return { transport, phase, stream }
}

test('what was read before the connection was lost is handled before the end is told, once', async () => {
  const { transport, phase } = begin()
  let release = () => {}
  phase.handle = () => new Promise<void>((resolve) => (release = resolve))
  transport.say(`<message id='1'/><message id='2'/>`)
  transport.lose()
  assert.deepEqual([phase.handled, phase.ends], [['1'], []])
  phase.handle = () => {}
  release()
  await new Promise(setImmediate)
  assert.deepEqual([phase.handled, phase.ends], [['1', '2'], ['abrupt']])
})

test('a stanza that is never done does not keep the end of a lost connection back', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { transport, phase } = begin()
  phase.handle = () => new Promise<void>(() => {})
  transport.say(`<message id='1'/>`)
  transport.lose()
  t.mock.timers.tick(10_000)
  assert.deepEqual(phase.ends, ['abrupt'])
})

test('a phase entered after the stream was closed is told so at once', () => {
  const { phase, stream } = begin()
  stream.close()
  const session = new FakePhase()
  stream.enter(session)
  assert.deepEqual([phase.ends, session.ends], [['in order'], ['in order']])
})

test('a stream whose connection is ending is not open any more', () => {
  const { transport, stream } = begin()
  assert.equal(stream.isOpen, true)
  transport.isOpen = false
  assert.equal(stream.isOpen, false)
})

test('what waited behind a stanza is handled in as many turns as it takes, in order, with what came meanwhile', async () => {
  let now = 0
  const { transport, phase } = begin(new TurnBudget(undefined, () => now))
  let release = () => {}
  phase.handle = () => new Promise<void>((resolve) => (release = resolve))
  const ids = Array.from({ length: 40 }, (_, at) => String(at))
  transport.say(ids.map((id) => `<message id='${id}'/>`).join(''))
  transport.say(`<message id='40'/>`)
  phase.handle = () => void (now += 1)
  release()
  const counts: number[] = []
  while (phase.handled.length < 42) {
    const before = phase.handled.length
    await new Promise(setImmediate)
    counts.push(phase.handled.length - before)
    if (counts.length === 2) transport.say(`<message id='41'/>`)
  }
  assert.ok(
    counts.every((it) => it <= BUDGET_MS),
    `stanzas of 1 ms in turns of ${BUDGET_MS}: ${counts}`,
  )
  assert.deepEqual(phase.handled, [...ids, '40', '41'])
})
