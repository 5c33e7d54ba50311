/** A database that fails and comes back: nothing is refused for good, and nothing is handed over twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientSession, Jid, type Logger, type Message, type MessageUndelivered, parseStanza, StanzaError } from '@beaconfire/plugin-sdk'
import { HandOver } from './hand-over.js'
import { UndeliveredKeeper } from './keep-undelivered.js'
import { MailboxSizes } from './mailbox-sizes.js'
import type { KeptMessage, OfflineStore } from './offline-store.js'

const silent = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger
const juliet = Jid.parse('juliet@test/home')

function kept(messageID: number): KeptMessage {
  const stanza = `<message from="romeo@test/home" to="juliet@test" type="chat"><body>${messageID}</body></message>`
  return { messageID, createdAt: new Date(0), creationDate: '000000000000000', stanza }
}

/** A mailbox whose reads and removals fail so many times. */
function begin(failures: { reads?: number; removals?: number }) {
  let { reads = 0, removals = 0 } = failures
  let rows = [1, 2, 3].map(kept)
  const got: (string | undefined)[] = []
  const due: (() => unknown)[] = []
  const store = {
    whenIdle: async () => {},
    async read() {
      if (reads-- > 0) throw new Error('database is locked')
      return rows
    },
    async remove(_: string, ids: readonly number[]) {
      if (removals-- > 0) throw new Error('disk is full')
      rows = rows.filter((it) => !ids.includes(it.messageID))
    },
  } as unknown as OfflineStore
  const session = {
    jid: juliet,
    isOpen: true,
    isAvailable: true,
    priority: 0,
    deliver: (message: Message) => got.push(message.body) > 0,
    whenFlushed: async () => {},
  }
  const timers = {
    after(_: number, run: () => unknown) {
      due.push(run)
      return { cancel: () => void due.splice(due.indexOf(run), 1) }
    },
    every: () => ({ cancel() {} }),
  }
  const sizes = new MailboxSizes(async () => 0)
  const handOver = new HandOver({ store, sizes, sessions: { ofUser: () => [] }, domain: Jid.parse('test'), log: silent, timers })
  return { due, got, session, left: () => rows.length, handOver: () => handOver.to(session as unknown as ClientSession) }
}

test('a hand-over that the database stopped is tried again while the session is there', async () => {
  const { due, got, left, handOver } = begin({ reads: 2 })
  await handOver()
  await due.shift()?.()
  assert.deepEqual(got, [])
  await due.shift()?.()
  assert.deepEqual(got, ['1', '2', '3'])
  assert.deepEqual([left(), due.length], [0, 0])
})

test('what was handed over and could not be removed is removed later, and not handed over again', async () => {
  const { due, got, left, handOver } = begin({ removals: 2 })
  await handOver()
  await due.shift()?.()
  await due.shift()?.()
  assert.deepEqual(got, ['1', '2', '3'])
  assert.deepEqual([left(), due.length], [0, 0])
})

test('nobody tries for a session that has ended', async () => {
  const { due, got, session, handOver } = begin({ reads: 1 })
  await handOver()
  session.isOpen = false
  await due.shift()?.()
  assert.deepEqual([got, due.length], [[], 0])
})

test('a message that cannot be kept for a database that is away is refused with an error of type wait', async () => {
  const away = () => Promise.reject(new Error('connect ECONNREFUSED'))
  const store = { fits: () => true } as unknown as OfflineStore
  const keeper = new UndeliveredKeeper({
    store,
    sizes: new MailboxSizes(away),
    config: { policy: 'store_and_bounce', quotaBytes: 1000 },
    sessions: { ofUser: () => [] },
    log: silent,
    handOver() {},
  })
  const fact = { message: parseStanza(kept(1).stanza), recipient: juliet.bare(), hold() {} } as unknown as MessageUndelivered
  await assert.rejects(
    async () => keeper.decide(fact),
    (error) => error instanceof StanzaError && error.type === 'wait' && error.condition === 'internal-server-error',
  )
})
