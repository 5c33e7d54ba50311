import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientSession, NS, SessionEnded } from '@beaconfire/plugin-sdk'
import { body, FakeSession, offlinePlugin } from '../../test/support/offline-plugin.js'

test('kept messages come in order, stamped, and are deleted only when they were written', async (t) => {
  const { undelivered, due, rows } = await offlinePlugin(t)
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
  const { undelivered, due, rows } = await offlinePlugin(t, {}, false)
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
  const { undelivered, due, rows } = await offlinePlugin(t)
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
  const { undelivered, due } = await offlinePlugin(t)
  for (let i = 0; i < 120; i++) await undelivered(body(i))
  const [one, two] = [new FakeSession(), new FakeSession()]
  await Promise.all([due(one), due(two)])
  assert.equal(one.got.length, 120)
  assert.equal(two.got.length, 0)
})

test('a message kept in the moment the user came is handed over, not left until the next login', async (t) => {
  const { undelivered, sessions, rows, holds, due } = await offlinePlugin(t)
  const session = new FakeSession()
  sessions.push(session as unknown as ClientSession)
  await undelivered(body('late'))
  await Promise.all(holds)
  await due(session) // a turn behind the one that the message has brought about
  assert.deepEqual(session.bodies, ['late'])
  assert.equal((await rows()).length, 0)
})

test('a resource that goes away, or takes no messages any more, gets no further page', async (t) => {
  const { undelivered, due, rows } = await offlinePlugin(t)
  for (let i = 0; i < 150; i++) await undelivered(body(i))
  const session = new FakeSession()
  session.flushed = async () => void (session.priority = -1)
  await due(session)
  assert.equal(session.got.length, 100)
  assert.equal((await rows()).length, 50)
})

test('a row that holds no message stays, is logged once, and does not stand in the way', async (t) => {
  const { undelivered, due, rows, database, warnings } = await offlinePlugin(t)
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
  const { undelivered, due, rows } = await offlinePlugin(t)
  for (const text of ['one', 'secret', 'two']) await undelivered(body(text))
  const session = new FakeSession()
  session.refuses = (it) => it.body === 'secret'
  await due(session)
  assert.deepEqual(session.bodies, ['one', 'two'])
  assert.equal((await rows()).length, 0)
})

test('a message whose time is over is dropped at the hand-over; one with time left says how much', async (t) => {
  const { undelivered, due, rows } = await offlinePlugin(t)
  await undelivered(`${body('old')}<x xmlns="jabber:x:expire" seconds="0"/>`)
  await undelivered(`${body('new')}<x xmlns="jabber:x:expire" seconds="600"/>`)
  const session = new FakeSession()
  await due(session)
  assert.deepEqual(session.bodies, ['new'])
  const left = Number(session.got[0]?.child('x', NS.expire)?.attrs.seconds)
  assert.ok(left >= 590 && left < 600)
  assert.equal((await rows()).length, 0)
})
