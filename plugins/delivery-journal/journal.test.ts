import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientSession, Jid, type Logger, type Timers } from '@beaconfire/plugin-sdk'
import type { Entry } from './entry.js'
import { Journal } from './journal.js'
import type { JournalRow, JournalStore } from './journal-store.js'

/** A table whose writes end when the test says so. */
class FakeStore {
  readonly rows = new Map<number, string>()
  readonly writes: { readonly rows: JournalRow[]; readonly refuse: (row: JournalRow) => void; readonly done: () => void }[] = []
  #open: FakeStore['writes'][number] | undefined
  #shared: Promise<void> | undefined
  #lastId = 0

  append(row: JournalRow, refused: (error: unknown, row: JournalRow) => void): Promise<void> {
    row.journalID = ++this.#lastId
    if (this.#open && this.#shared) {
      this.#open.rows.push(row)
      return this.#shared
    }
    this.#shared = new Promise((resolve) => {
      this.#open = { rows: [row], refuse: (it) => refused(new Error('disk full'), it), done: resolve }
      this.writes.push(this.#open)
    })
    return this.#shared
  }
  /** Ends the write under way. @param isRefused what becomes of each row */
  async finish(isRefused: (row: JournalRow) => boolean = () => false): Promise<void> {
    const write = this.writes.shift()
    this.#open = undefined
    for (const row of write?.rows ?? []) {
      if (isRefused(row)) write?.refuse(row)
      else this.rows.set(row.journalID, row.stanza)
    }
    write?.done()
    await turns()
  }
  async remove(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.rows.delete(id)
  }
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))
/** After so many the journal writes what has not arrived. */
const TURNS = 5
async function turns(): Promise<void> {
  for (let count = 0; count <= TURNS; count++) await turn()
}
const silent = { error() {}, warn() {}, info() {}, debug() {}, child: () => silent } as unknown as Logger

function begin() {
  const store = new FakeStore()
  const due: (() => void | Promise<void>)[] = []
  const timers: Timers = {
    after: (_ms, run) => {
      due.push(run)
      return { cancel() {} }
    },
    every: () => ({ cancel() {} }),
  }
  const session = { jid: Jid.parse('juliet@test/balcony'), acknowledges: true, handedOver: 0, arrived: 0 }
  const journal = new Journal(store as unknown as JournalStore, timers, silent)
  let last: Entry | undefined
  const hand = (xml: string, to = session) => {
    to.handedOver++
    last = journal.handedOver(to as unknown as ClientSession, xml, undefined)
    return last
  }
  return { store, session, journal, hand, later: async () => void (await due.shift()?.()), settled: () => last?.isSettled }
}

test('a sender waits until its message is on disk, and the row goes when the message has arrived', async () => {
  const { store, session, journal, hand, settled } = begin()
  hand('1')
  await turns()
  assert.equal(settled(), false)
  await store.finish()
  assert.deepEqual([settled(), [...store.rows.values()]], [true, ['1']])
  session.arrived = 1
  await journal.clear()
  assert.equal(store.rows.size, 0)
})

test('what comes during a write goes with the next, and what arrives before that is never written', async () => {
  const { store, session, hand, later, settled } = begin()
  hand('1')
  await turns()
  const early = hand('2')
  hand('3')
  await turns()
  assert.equal(store.writes.length, 1)
  session.arrived = 2
  await store.finish()
  await later()
  assert.deepEqual([early.isSettled, settled(), store.writes[0]?.rows.map((it) => it.stanza)], [true, false, ['3']])
  await store.finish()
  assert.equal(settled(), true)
})

for (const acknowledges of [true, false]) {
  const how = acknowledges ? 'that its client acknowledges' : 'that its socket takes'
  test(`a message ${how} within some turns costs no write`, async () => {
    const { store, session, hand, settled } = begin()
    session.acknowledges = acknowledges
    hand('1')
    await turn()
    await turn()
    assert.equal(settled(), false)
    session.arrived = 1
    await turn()
    assert.deepEqual([settled(), store.writes.length], [true, 0])
    hand('2')
    await turns()
    assert.deepEqual(
      store.writes.map((it) => it.rows.map((row) => row.stanza)),
      [['2']],
    )
    assert.equal(settled(), false)
    await store.finish()
    assert.equal(settled(), true)
  })
}

test('nobody waits for a client that acknowledges more slowly than the own recipient', async () => {
  const { store, session, hand } = begin()
  const slow = { ...session }
  const [fast, waiting] = [hand('1'), hand('2', slow)]
  session.arrived = 1
  await turns()
  await fast.batch.settled
  assert.deepEqual([waiting.isSettled, store.writes[0]?.rows.map((it) => it.stanza)], [false, ['2']])
})

test('one message to several resources is one row, until all of them have it', async () => {
  const { store, session, journal, hand } = begin()
  const [phone, desk] = [{ ...session }, { ...session }]
  const entry = hand('1')
  for (const [turnsBefore, to] of [
    [0, phone],
    [TURNS + 1, desk],
  ] as const) {
    for (let count = 0; count < turnsBefore; count++) await turn()
    to.handedOver++
    assert.equal(journal.handedOver(to as unknown as ClientSession, '1', entry), entry)
  }
  await store.finish()
  assert.equal(store.rows.size, 1)
  for (const one of [session, phone]) one.arrived = 1
  await journal.clear()
  assert.deepEqual([store.rows.size, journal.pending], [1, 1])
  desk.arrived = 1
  await journal.clear()
  assert.deepEqual([store.rows.size, journal.pending], [0, 0])
})

test('what a session that ended was handed just now is known, and done with once it is given back', async () => {
  const { store, session, journal, hand } = begin()
  const [first, second] = [hand('1'), hand('2')]
  session.arrived = 1
  assert.deepEqual(journal.missing(session as unknown as ClientSession), [second])
  journal.returned(session as unknown as ClientSession)
  await turns()
  assert.deepEqual([first.isSettled, second.isSettled, store.writes.length], [true, true, 0])
})

test('rows that are refused are tried again while their senders wait', async () => {
  const { store, journal, hand, later, settled } = begin()
  hand('1')
  hand('2')
  await turns()
  await store.finish((row) => row.stanza === '2')
  assert.deepEqual([settled(), journal.isFailing, store.writes.length], [false, true, 0])
  await later()
  await store.finish()
  assert.deepEqual([settled(), journal.isFailing, [...store.rows.values()]], [true, false, ['1', '2']])
})

test('with more waiting than it may keep in memory, there is room again when the disk has taken it', async () => {
  const { store, journal, hand } = begin()
  for (let i = 0; i <= 20_000; i++) hand('<message/>')
  await turns()
  assert.equal(journal.isSaturated, true)
  let hasRoom = false
  const room = journal.whenRoom().then(() => void (hasRoom = true))
  await turns()
  assert.equal(hasRoom, false)
  await store.finish()
  await room
  assert.equal(journal.isSaturated, false)
})

test('the next version of the plugin is told of rows when all are on disk, also where the database refuses them for some time', async () => {
  const { store, journal, hand, later } = begin()
  hand('1')
  await turns()
  await store.finish(() => true)
  let isWritten = false
  const written = journal.whenWritten().then(() => void (isWritten = true))
  await turns()
  assert.deepEqual([journal.isFailing, isWritten], [true, false])
  await later() // the pause of the journal
  await store.finish()
  await later() // the look of who waits
  await written
  assert.equal(journal.stored().length, 1)
})

test('what an ended session leaves is done with once it is given back, and what could not be stays on disk', async () => {
  const { store, session, journal, hand, later } = begin()
  hand('1')
  await turns()
  await store.finish()
  journal.forget(session as unknown as ClientSession)
  await journal.clear()
  assert.equal(store.rows.size, 1)
  const another = { ...session }
  hand('2', another)
  await turns()
  await later() // the pause after the first write
  await store.finish()
  journal.returned(another as unknown as ClientSession)
  await journal.clear()
  assert.deepEqual([...store.rows.values()], ['1'])
})
