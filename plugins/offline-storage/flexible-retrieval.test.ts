import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NS, StanzaError, type StanzaErrorCondition } from '@beaconfire/plugin-sdk'
import { body, FakeSession, offlinePlugin } from '../../test/support/offline-plugin.js'

const refusedWith = (condition: StanzaErrorCondition) => (error: unknown) => error instanceof StanzaError && error.condition === condition

test('a client takes messages one by one (XEP-0013), and then gets no flood with its presence', async (t) => {
  const { undelivered, ask, due, rows } = await offlinePlugin(t)
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
  const { undelivered, ask, rows, holds } = await offlinePlugin(t)
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
