import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element, Stanza } from '@beaconfire/plugin-sdk'
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
  isPaused = false
  pause(): void {
    this.isPaused = true
  }
  resume(): void {
    this.isPaused = false
  }
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
  readonly urgentOnes: string[] = []
  get hasUrgent(): boolean {
    return this.canBeUrgent
  }
  canBeUrgent = false
  urgent(el: Element): boolean {
    if (!this.canBeUrgent || el.getName() !== 'a') return false
    this.urgentOnes.push(el.attrs.h ?? '')
    return true
  }
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

test('a long read is handled in pieces, and the streams take turns', async () => {
  let now = 0
  const turns = new TurnBudget(undefined, () => now)
  const streams = [begin(turns), begin(turns)]
  const ids = Array.from({ length: 64 }, (_, at) => String(at))
  // of 1 KiB each, so that a piece has about 16 of them
  const text = ids.map((id) => `<message id='${id}'><body>${'x'.repeat(980)}</body></message>`).join('')
  for (const { phase } of streams) phase.handle = () => void (now += BUDGET_MS / 16)
  for (const { transport } of streams) transport.say(text)
  const handled = () => streams.map(({ phase }) => phase.handled.length)
  const [first = 0, second = 0] = handled()
  assert.ok(first > 0 && first < 64, `${first} of the first stream's in the turn in which they were read`)
  assert.equal(second, 0, 'the time of that turn was spent')
  assert.equal(streams[0]?.transport.isPaused, true)
  while (handled().some((count) => count < 64)) {
    const before = handled()
    await new Promise(setImmediate)
    const most = Math.max(...handled().map((count, at) => count - (before[at] as number)))
    assert.ok(most > 0 && most <= 32, `${most} stanzas of a stream in a turn that has time for 16`)
    if (handled()[0] === 64) assert.ok((handled()[1] as number) > 16, 'the second was not kept waiting for all of the first')
  }
  for (const { phase, transport } of streams) {
    assert.deepEqual(phase.handled, ids)
    assert.equal(transport.isPaused, false)
  }
})

test('what is left of a long read is dropped when the stream is restarted', async () => {
  let now = 0
  const { transport, phase, stream } = begin(new TurnBudget(undefined, () => now))
  phase.handle = () => {
    now += 2 * BUDGET_MS
    stream.restart()
  }
  transport.say(`<message id='before'/>${`<message id='ahead'><body>${'x'.repeat(980)}</body></message>`.repeat(64)}`)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  transport.say(`${HEADER}<message id='after'/>`)
  assert.deepEqual(phase.handled, ['before', 'after'])
})

test('what is urgent is found at the end of a long read while a stanza of its beginning is under way', async () => {
  const { transport, phase } = begin()
  phase.canBeUrgent = true
  let release = () => {}
  phase.handle = () => new Promise<void>((resolve) => (release = resolve))
  const long = `<message id='later'><body>${'x'.repeat(5000)}</body></message>`
  transport.say(`<message id='first'/>${long.repeat(12)}<a h='1'/>`)
  assert.deepEqual([phase.handled, phase.urgentOnes], [['first'], ['1']])
  assert.equal(transport.isPaused, false, 'little waits')
  transport.say(`${"<message id='later'/>".repeat(100)}<a h='2'/>`)
  assert.equal(transport.isPaused, true, 'much waits')
  phase.handle = () => {}
  release()
  await new Promise(setImmediate)
  assert.equal(phase.handled.length, 113)
  assert.equal(transport.isPaused, false)
})
