import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Crossing, type InterceptorFilter, Jid, type Message, type PacketInterceptor, parseStanza, type Session } from '@beaconfire/plugin-sdk'
import type { ChatLogStore } from './chat-log-store.js'
import type { ChatLogRow } from './chat-log-tables.js'
import type { ChatLogConfig } from './config.js'
import { conversationColumn } from './jid-column.js'
import { recordMessages } from './record-messages.js'

type Row = Omit<ChatLogRow, 'messageID'>

/** The recorder with a store that keeps rows in a list, and crossings made by hand. */
function recorder(config: Partial<ChatLogConfig> = {}) {
  const rows: Row[] = []
  const holds: Promise<unknown>[] = []
  const state = { fail: false, isSaturated: false }
  const store = {
    pending: 0,
    get isSaturated() {
      return state.isSaturated
    },
    whenIdle: async () => void (state.isSaturated = false),
    append: async (row: Row, refused: (error: unknown, row: Row) => void) => {
      if (state.fail) {
        const error = new Error('the disk is full')
        refused(error, row)
        throw error
      }
      rows.push(row)
    },
  } as unknown as ChatLogStore
  let failures = 0
  const log = { debug() {}, info() {}, warn() {}, error: () => void failures++, child: () => log }
  const interceptors = recordMessages({
    store,
    config: { groupchat: false, obeyHints: false, onError: 'open', ...config },
    domain: Jid.parse('test'),
    log,
    metrics: { counter: () => ({ increment() {} }), gauge() {} },
  })
  const cross = (flags: { incoming: boolean }, xml: string, session: Partial<Session>, routed: object) => {
    const packet = parseStanza(xml) as Message
    const crossing = {
      packet,
      session,
      routed,
      processed: true,
      ...flags,
      hold: (it: Promise<unknown>) => void holds.push(it),
    } as unknown as Crossing
    const results = interceptors.filter((it) => wants(it, flags.incoming, packet)).map((it) => it.interceptPacket(crossing))
    return { waiting: results.find((it) => it !== undefined) }
  }
  const client = (jid: string) => ({ kind: 'client', jid: Jid.parse(jid) }) as const
  return {
    rows,
    holds,
    state,
    failures: () => failures,
    /** @param routed stands for the stanza that was routed; another one unless given */
    handOver: (xml: string, to = 'juliet@test/home', routed: object = {}) => cross({ incoming: false }, xml, client(to), routed),
    handToServer: (xml: string) => cross({ incoming: false }, xml, { kind: 'server', jid: Jid.parse('far') }, {}),
    send: (xml: string, from = 'romeo@test/home') => cross({ incoming: true }, xml, client(from), {}),
  }
}

function wants({ when }: PacketInterceptor, incoming: boolean, packet: Message): boolean {
  const { type, ...rest } = when as InterceptorFilter
  assert.deepEqual({ ...rest, incoming: undefined }, { stanza: 'message', processed: true, incoming: undefined })
  return when?.incoming === incoming && [type].flat().includes(packet.type)
}

const chat = (content: string, attributes = 'type="chat" id="1"') =>
  `<message from="romeo@test/home" to="juliet@test" ${attributes}>${content}</message>`

test('a chat or normal message with a body is logged with its ends, its stanza and its time', () => {
  const { rows, handOver } = recorder()
  const before = Date.now()
  handOver(chat('<body>Wherefore?</body>'))
  handOver(chat('<body>No type</body>', ''))
  assert.equal(rows.length, 2)
  const { createDate, ...row } = rows[0] as Row
  assert.ok(createDate >= before && createDate <= Date.now())
  assert.deepEqual(row, {
    sessionJID: 'juliet@test/home',
    sender: 'romeo@test',
    receiver: 'juliet@test',
    length: 10,
    content: 'Wherefore?',
    detail: chat('<body>Wherefore?</body>'),
    state: 1,
    type: 'chat',
    conversation: conversationColumn('romeo@test', 'juliet@test'),
  })
  assert.equal(rows[1]?.type, 'normal')
})

test('what is no message between two people is not logged', () => {
  const { rows, handOver, send } = recorder()
  handOver(chat('<composing xmlns="http://jabber.org/protocol/chatstates"/>'))
  handOver(chat('<body/>'))
  handOver('<message from="test" to="juliet@test"><body>From the server</body></message>')
  for (const type of ['headline', 'error', 'groupchat']) handOver(chat('<body>x</body>', `type="${type}"`))
  send('<message to="verona@rooms.test" type="groupchat"><body>to a room</body></message>')
  assert.deepEqual(rows, [])
})

test('one message is logged once, however many resources get it; the same words again are another message', () => {
  const { rows, handOver } = recorder()
  const routed = {}
  for (const resource of ['one', 'two', 'three']) handOver(chat('<body>Hello</body>'), `juliet@test/${resource}`, routed)
  assert.equal(rows.length, 1)
  handOver(chat('<body>Hello</body>'))
  assert.equal(rows.length, 2)
})

test('a carbon is not logged, but a message from another that is dressed as one is', () => {
  const { rows, handOver } = recorder()
  const carbon = '<received xmlns="urn:xmpp:carbons:2"/><body>x</body>'
  handOver(`<message from="juliet@test" to="juliet@test/home" type="chat">${carbon}</message>`)
  handOver('<message from="juliet@test" to="juliet@test/home" type="chat"><sent xmlns="urn:xmpp:carbons:2"/><body>x</body></message>')
  assert.equal(rows.length, 0)
  handOver(chat(carbon))
  assert.equal(rows.length, 1)
})

test('a kept message is logged under the time this server took it, and once though it is handed over again', () => {
  const { rows, handOver } = recorder()
  const delay = '<delay xmlns="urn:xmpp:delay" from="test" stamp="2024-07-18T00:39:29.759Z"/>'
  handOver(chat(`<body>x</body><delay xmlns="urn:xmpp:delay" from="elsewhere" stamp="2001-01-01T00:00:00Z"/>${delay}`))
  handOver(chat(`<body>x</body>${delay}`))
  assert.deepEqual(
    rows.map((it) => it.createDate),
    [Date.UTC(2024, 6, 18, 0, 39, 29, 759)],
  )
  // Without an id nobody can say whether it is a repeat: rather twice than never.
  for (let i = 0; i < 2; i++) handOver(chat(`<body>x</body>${delay}`, 'type="chat"'))
  assert.equal(rows.length, 3)
  handOver(chat('<body>y</body><delay xmlns="urn:xmpp:delay" from="test" stamp="9999-01-01T00:00:00Z"/>'))
  assert.ok((rows[3]?.createDate ?? Infinity) <= Date.now())
})

test('a message that leaves for another server is logged under its recipient', () => {
  const { rows, handToServer } = recorder()
  handToServer('<message from="romeo@test/home" to="nurse@far/x" type="chat"><body>x</body></message>')
  assert.deepEqual([rows[0]?.receiver, rows[0]?.sessionJID], ['nurse@far', 'nurse@far/x'])
})

test('a message to a room is logged where configured, once, under its sender', () => {
  const { rows, handOver, send } = recorder({ groupchat: true })
  send('<message to="verona@rooms.test" type="groupchat"><body>to a room</body></message>')
  handOver('<message from="verona@rooms.test/romeo" to="juliet@test/home" type="groupchat"><body>to a room</body></message>')
  assert.equal(rows.length, 1)
  const { sender, receiver, conversation, sessionJID } = rows[0] as Row
  assert.deepEqual(
    [sender, receiver, conversation, sessionJID],
    ['romeo@test', 'verona@rooms.test', conversationColumn('verona@rooms.test'), 'romeo@test/home'],
  )
})

test('the sender’s acknowledgement is held until the row is stored', async () => {
  const { holds, rows, handOver } = recorder()
  handOver(chat('<body>x</body>'))
  assert.equal(holds.length, 1)
  await holds[0]
  assert.equal(rows.length, 1)
})

test('a failed write is reported; the sender is told where that is configured', async () => {
  const open = recorder()
  open.state.fail = true
  open.handOver(chat('<body>x</body>'))
  await Promise.all(open.holds)
  assert.equal(open.failures(), 1)
  const closed = recorder({ onError: 'closed' })
  closed.state.fail = true
  closed.handOver(chat('<body>x</body>'))
  await assert.rejects(Promise.all(closed.holds), /disk is full/)
  assert.equal(closed.failures(), 1)
})

test('while the disk is behind, a sender waits', async () => {
  const { state, handOver } = recorder()
  assert.equal(handOver(chat('<body>x</body>')).waiting, undefined)
  state.isSaturated = true
  const { waiting } = handOver(chat('<body>y</body>'))
  assert.ok(waiting instanceof Promise)
  await waiting
  assert.equal(state.isSaturated, false)
})

for (const hint of ['no-store', 'no-permanent-store']) {
  test(`${hint} keeps a message out of the log only where the operator lets senders decide`, () => {
    const xml = (to: string) => `<message type="TYPE" from="romeo@test/a" to="${to}"><body>x</body><${hint} xmlns="urn:xmpp:hints"/></message>`
    for (const obeyHints of [false, true]) {
      const { rows, handOver, send } = recorder({ obeyHints, groupchat: true })
      handOver(xml('juliet@test').replace('TYPE', 'chat'))
      send(xml('room@conference.test').replace('TYPE', 'groupchat'))
      assert.equal(rows.length, obeyHints ? 0 : 2)
    }
  })
}
