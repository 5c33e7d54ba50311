/** The whole plugin over a database in memory, with sessions made by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ClientSession,
  type Element,
  iq,
  Jid,
  type Message,
  message,
  NS,
  parseElement,
  parseStanza,
  SessionEnded,
  StanzaError,
  type StanzaErrorCondition,
} from '@beaconfire/plugin-sdk'
import { openDatabase } from '../../core/database/database.js'
import { createLogger } from '../../core/log.js'
import type { OfflineConfig } from './config.js'
import plugin from './index.js'

const silent = createLogger({ level: 'silent', format: 'json' })
const juliet = Jid.parse('juliet@test')

interface Scope {
  after(cleanUp: () => Promise<void>): void
}

/** @param isPatient false: whatever may wait for some time has waited long enough in the next turn */
async function started(t: Scope, config: Partial<OfflineConfig> = {}, isPatient = true) {
  const server = await openDatabase({ client: 'sqlite', filename: ':memory:' } as Parameters<typeof openDatabase>[0], '.', silent, 'fast')
  t.after(() => server.close())
  await server.migrate(plugin.name, plugin.tables ?? [])
  const database = server.forPlugin(plugin.name)
  const sessions: ClientSession[] = []
  const warnings: object[] = []
  const log = { ...silent, debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields), child: () => log }
  const context = {
    config: { policy: 'store_and_bounce', quotaBytes: 102_400, retentionDays: 0, ...config },
    database,
    domain: Jid.parse('test'),
    log,
    metrics: { counter: () => ({ increment() {} }), gauge() {} },
    sessions: { ofUser: () => sessions },
    timers: { after: (_: number, run: () => void) => (isPatient ? { cancel() {} } : nextTurn(run)), every: () => ({ cancel() {} }) },
  }
  const { hooks = {}, iqHandlers, adminRoutes, interceptors } = plugin.setup(context as unknown as Parameters<typeof plugin.setup>[0])
  const holds: Promise<unknown>[] = []
  return {
    hooks,
    interceptors,
    sessions,
    holds,
    warnings,
    database,
    rows: async () =>
      (await database.knex('ofOffline').orderBy('messageID')) as { messageID: number; stanza: string; messageSize: number; creationDate: string }[],
    /** A message for Juliet that nobody took. */
    undelivered: (content: string, attributes = 'type="chat"') => {
      const stanza = parseStanza(`<message from="romeo@test/home" to="juliet@test" ${attributes}>${content}</message>`) as Message
      return hooks.messageUndelivered?.({ message: stanza, recipient: juliet, origin: {} as never, hold: (it) => void holds.push(it) })
    },
    due: async (session: FakeSession) => hooks.keptMessagesDue?.({ session: session as unknown as ClientSession }),
    ask: async (session: FakeSession, type: 'get' | 'set', content: string) => {
      const payload = parseElement(`<offline xmlns="${NS.offline}">${content}</offline>`)
      const request = {
        iq: iq({ type }),
        payload,
        session: session as never,
        target: 'own-account' as const,
        account: juliet,
        hold() {},
        answer() {},
      }
      return iqHandlers?.[0]?.handle(request)
    },
    admin: async (path: string, query: object = {}) =>
      adminRoutes?.find((it) => it.path === path)?.handle({ query, params: {}, body: {}, administrator: 'test' } as never),
  }
}

function nextTurn(run: () => void) {
  const turn = setImmediate(run)
  return { cancel: () => clearImmediate(turn) }
}

/** Takes messages, and can refuse them, end, or be slow to write. */
class FakeSession {
  readonly kind = 'client'
  readonly jid = juliet.withResource('home')
  readonly got: Message[] = []
  isOpen = true
  isAvailable = true
  acknowledges = false
  priority = 0
  /** Messages taken before it ends. */
  lives = Infinity
  refuses = (_: Message) => false
  flushed = () => Promise.resolve()

  deliver(stanza: Message): boolean {
    if (this.got.length >= this.lives) this.isOpen = false
    if (!this.isOpen || this.refuses(stanza)) return false
    this.got.push(stanza)
    return true
  }
  async whenFlushed(): Promise<void> {
    await this.flushed()
    if (!this.isOpen) throw new SessionEnded('ended')
  }
  get bodies(): (string | undefined)[] {
    return this.got.map((it) => it.body)
  }
}

const body = (text: string | number) => `<body>${text}</body>`
const refusedWith = (condition: StanzaErrorCondition) => (error: unknown) => error instanceof StanzaError && error.condition === condition

test('a message nobody took is kept in Openfire’s columns, and its sender’s acknowledgement is held until it is', async (t) => {
  const { undelivered, rows, holds } = await started(t)
  const before = Date.now()
  assert.equal(await undelivered(body('hello')), 'handled')
  assert.equal(holds.length, 1)
  await Promise.all(holds)
  const [row, ...others] = await rows()
  assert.ok(row && others.length === 0)
  const stanza = '<message from="romeo@test/home" to="juliet@test" type="chat"><body>hello</body></message>'
  assert.deepEqual(
    { ...row, creationDate: undefined },
    { username: 'juliet', messageID: row.messageID, creationDate: undefined, messageSize: stanza.length, stanza },
  )
  assert.match(row.creationDate, /^\d{15}$/)
  assert.ok(Number(row.creationDate) >= before && Number(row.creationDate) <= Date.now())
})

test('a further message for a user whose mailbox is known is kept without waiting', async (t) => {
  const { undelivered } = await started(t)
  assert.ok(undelivered(body('first')) instanceof Promise)
  await undelivered(body('second'))
  assert.equal(undelivered(body('third')), 'handled')
})

test('kept messages come in order, stamped, and are deleted only when they were written', async (t) => {
  const { undelivered, due, rows } = await started(t)
  for (let i = 0; i < 250; i++) await undelivered(body(i))
  const session = new FakeSession()
  const counts: number[] = []
  session.flushed = async () => void counts.push((await rows()).length)
  await due(session)
  assert.deepEqual(
    session.bodies,
    Array.from({ length: 250 }, (_, i) => String(i)),
  )
  assert.deepEqual(counts, [250, 150, 50])
  assert.equal((await rows()).length, 0)
  const delay = session.got[0]?.child('delay', NS.delay)
  assert.equal(delay?.attrs.from, 'test')
  assert.match(delay?.attrs.stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

test('a client that acknowledges late gets page after page all the same, and nothing is deleted before it does', async (t) => {
  const { undelivered, due, rows } = await started(t, {}, false)
  for (let i = 0; i < 250; i++) await undelivered(body(i))
  const session = new FakeSession()
  session.acknowledges = true
  let acknowledge = () => {}
  const acknowledged = new Promise<void>((resolve) => {
    acknowledge = resolve
  })
  session.flushed = async () => {
    if (session.got.length === 250) assert.equal((await rows()).length, 250)
    if (session.got.length === 250) acknowledge()
    await acknowledged
  }
  await due(session)
  assert.equal(session.got.length, 250)
  while ((await rows()).length > 0); // nobody waits for the removal
})

test('a session that dies leaves what it was not certain to have to the next one', async (t) => {
  const { undelivered, due, rows } = await started(t)
  for (let i = 0; i < 5; i++) await undelivered(body(i))
  const dying = new FakeSession()
  dying.lives = 3
  await due(dying)
  assert.equal((await rows()).length, 5)
  const unflushed = new FakeSession()
  unflushed.flushed = () => Promise.reject(new SessionEnded('ended'))
  await due(unflushed)
  assert.equal((await rows()).length, 5)
  const next = new FakeSession()
  await due(next)
  assert.deepEqual(next.bodies, ['0', '1', '2', '3', '4'])
  assert.equal((await rows()).length, 0)
})

test('two resources that come at the same time do not both get a message', async (t) => {
  const { undelivered, due } = await started(t)
  for (let i = 0; i < 120; i++) await undelivered(body(i))
  const [one, two] = [new FakeSession(), new FakeSession()]
  await Promise.all([due(one), due(two)])
  assert.equal(one.got.length, 120)
  assert.equal(two.got.length, 0)
})

test('a message kept in the moment the user came is handed over, not left until the next login', async (t) => {
  const { undelivered, sessions, rows, holds, due } = await started(t)
  const session = new FakeSession()
  sessions.push(session as unknown as ClientSession)
  await undelivered(body('late'))
  await Promise.all(holds)
  await due(session) // a turn behind the one that the message has brought about
  assert.deepEqual(session.bodies, ['late'])
  assert.equal((await rows()).length, 0)
})

test('a resource that goes away, or takes no messages any more, gets no further page', async (t) => {
  const { undelivered, due, rows } = await started(t)
  for (let i = 0; i < 150; i++) await undelivered(body(i))
  const session = new FakeSession()
  session.flushed = async () => void (session.priority = -1)
  await due(session)
  assert.equal(session.got.length, 100)
  assert.equal((await rows()).length, 50)
})

test('a row that holds no message stays, is logged once, and does not stand in the way', async (t) => {
  const { undelivered, due, rows, database, warnings } = await started(t)
  const broken = { username: 'juliet', creationDate: '000000000000001', messageSize: 1 }
  await database.knex('ofOffline').insert([
    { ...broken, messageID: 90_001, stanza: '<message><body>&unknown;</body></message>' },
    { ...broken, messageID: 90_002, stanza: '<presence/>' },
  ])
  await undelivered(body('fine'))
  for (const expected of [['fine'], []]) {
    const session = new FakeSession()
    await due(session)
    assert.deepEqual(session.bodies, expected)
  }
  assert.deepEqual(
    (await rows()).map((it) => it.messageID),
    [90_001, 90_002],
  )
  assert.equal(warnings.length, 2)
})

test('a message that an interceptor refuses at its hand-over is removed, the others come', async (t) => {
  const { undelivered, due, rows } = await started(t)
  for (const text of ['one', 'secret', 'two']) await undelivered(body(text))
  const session = new FakeSession()
  session.refuses = (it) => it.body === 'secret'
  await due(session)
  assert.deepEqual(session.bodies, ['one', 'two'])
  assert.equal((await rows()).length, 0)
})

test('a message whose time is over is dropped at the hand-over; one with time left says how much', async (t) => {
  const { undelivered, due, rows } = await started(t)
  await undelivered(`${body('old')}<x xmlns="jabber:x:expire" seconds="0"/>`)
  await undelivered(`${body('new')}<x xmlns="jabber:x:expire" seconds="600"/>`)
  const session = new FakeSession()
  await due(session)
  assert.deepEqual(session.bodies, ['new'])
  const left = Number(session.got[0]?.child('x', NS.expire)?.attrs.seconds)
  assert.ok(left >= 590 && left < 600)
  assert.equal((await rows()).length, 0)
})

test('what the quota has no room for goes by the policy', async (t) => {
  const long = body('x'.repeat(300))
  const cases: [OfflineConfig['policy'], string, string, number][] = [
    ['store_and_bounce', 'handled', 'pass', 1],
    ['store_and_drop', 'handled', 'handled', 1],
    ['store', 'handled', 'handled', 2],
    ['bounce', 'pass', 'pass', 0],
    ['drop', 'handled', 'handled', 0],
  ]
  for (const [policy, first, second, kept] of cases) {
    const { undelivered, rows, holds } = await started(t, { policy, quotaBytes: 500 })
    assert.equal(await undelivered(long), first, policy)
    assert.equal(await undelivered(long), second, policy)
    await Promise.all(holds)
    assert.equal((await rows()).length, kept, policy)
  }
})

test('what was handed over or deleted makes room again', async (t) => {
  const { undelivered, due, hooks, rows } = await started(t, { quotaBytes: 500 })
  const long = body('x'.repeat(300))
  await undelivered(long)
  assert.equal(await undelivered(long), 'pass')
  await due(new FakeSession())
  assert.equal(await undelivered(long), 'handled')
  await hooks.userDeleted?.({ user: juliet })
  assert.equal((await rows()).length, 0)
  assert.equal(await undelivered(long), 'handled')
})

test('a stanza larger than the column is not kept', async (t) => {
  const { undelivered } = await started(t, { policy: 'store' })
  assert.equal(await undelivered(body('ü'.repeat(40_000))), 'pass')
  assert.equal(await undelivered(body('u'.repeat(60_000))), 'handled')
})

test('a client takes messages one by one (XEP-0013), and then gets no flood with its presence', async (t) => {
  const { undelivered, ask, due, rows } = await started(t)
  for (const text of ['one', 'two', 'three']) await undelivered(body(text))
  const session = new FakeSession()
  session.isAvailable = false
  await ask(session, 'get', '<fetch/>')
  assert.deepEqual(session.bodies, ['one', 'two', 'three'])
  const nodes = session.got.map((it) => String(it.child('offline', NS.offline)?.getChild('item')?.attrs.node))
  assert.deepEqual(nodes, nodes.toSorted())
  assert.equal((await rows()).length, 3)

  session.got.length = 0
  await ask(session, 'get', `<item action="view" node="${nodes[1]}"/>`)
  assert.deepEqual(session.bodies, ['two'])
  await ask(session, 'set', `<item action="remove" node="${nodes[1]}"/>`)
  assert.equal((await rows()).length, 2)
  session.isAvailable = true
  await due(session)
  assert.deepEqual(session.bodies, ['two'])

  const other = new FakeSession()
  await due(other)
  assert.deepEqual(other.bodies, ['one', 'three'])
})

test('purge takes all; what is not there, or not asked as it should be, is refused', async (t) => {
  const { undelivered, ask, rows, holds } = await started(t)
  await undelivered(body('one'))
  await Promise.all(holds)
  const session = new FakeSession()
  const { creationDate, messageID } = (await rows())[0] ?? assert.fail('nothing was kept')
  const node = `${new Date(Number(creationDate)).toISOString()}#${messageID}`
  await assert.rejects(ask(session, 'get', '<item action="view" node="2001-01-01T00:00:00.000Z#1"/>'), refusedWith('item-not-found'))
  await assert.rejects(ask(session, 'get', '<item action="view" node="nonsense"/>'), refusedWith('item-not-found'))
  await assert.rejects(ask(session, 'get', `<item action="remove" node="${node}"/>`), refusedWith('bad-request'))
  await assert.rejects(ask(session, 'set', ''), refusedWith('bad-request'))
  assert.equal((await rows()).length, 1)
  await ask(session, 'set', '<purge/>')
  assert.equal((await rows()).length, 0)
})

test('the admin API counts what is kept', async (t) => {
  const { undelivered, admin, database } = await started(t)
  await undelivered(body('one'))
  await undelivered(body('two'))
  await database
    .knex('ofOffline')
    .insert({ username: 'nurse', messageID: 90_000, creationDate: '000000000000001', messageSize: 7, stanza: '<message/>' })
  const size = 2 * '<message from="romeo@test/home" to="juliet@test" type="chat"><body>one</body></message>'.length
  assert.deepEqual(await admin('/counts', { user: 'Juliet' }), { items: [{ user: 'juliet', messages: 2, size }] })
  assert.deepEqual(await admin('/counts', { user: 'romeo' }), { items: [{ user: 'romeo', messages: 0, size: 0 }] })
  const first = (await admin('/counts', { limit: 1 })) as { items: { user: string }[]; nextCursor: string }
  assert.equal(first.items[0]?.user, 'juliet')
  assert.deepEqual(await admin('/counts', { limit: 1, cursor: first.nextCursor }), { items: [{ user: 'nurse', messages: 1, size: 7 }] })
  assert.deepEqual(await admin('/total'), { messages: 3, size: size + 7 })
  await assert.rejects(admin('/counts', { user: 'a b' }), { statusCode: 400, field: 'query.user' })
})

test('a delay stamp in the server’s name is taken from what a client sends, others stay', () => {
  const delay = (from: string) => `<delay xmlns="${NS.delay}" from="${from}" stamp="2001-01-01T00:00:00Z"/>`
  const stamps = (kind: string, stanza: Message) => {
    const [interceptor] = plugin.setup(bareContext()).interceptors ?? []
    void interceptor?.interceptPacket({ packet: stanza, session: { kind } } as never)
    return stanza.childElements().flatMap((it: Element) => (it.getName() === 'delay' ? [it.attrs.from as string] : []))
  }
  const sent = () => parseStanza(`<message to="juliet@test"><body>x</body>${delay('test')}${delay('elsewhere')}</message>`) as Message
  assert.deepEqual(stamps('client', sent()), ['elsewhere'])
  assert.deepEqual(stamps('internal', sent()), ['test', 'elsewhere'])
  assert.deepEqual(stamps('client', message({ to: 'juliet@test' })), [])
})

function bareContext(): Parameters<typeof plugin.setup>[0] {
  const metrics = { gauge() {} }
  const database = { appender: () => ({}) }
  return { config: { policy: 'store' }, database, domain: Jid.parse('test'), metrics } as unknown as Parameters<typeof plugin.setup>[0]
}
