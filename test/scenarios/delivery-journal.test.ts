/** The delivery journal: what was acknowledged to a sender is on disk until its recipient has it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestServer } from '@beaconfire/plugin-sdk/testing'
import { type ServerProcess, startServerProcess } from '../support/server-process.js'

const SM = NS.streamManagement
const bodyOf = (el: Element) => el.getChildText('body')
const chat = (to: string, body: string) => element('message', { to, type: 'chat', id: `id-${body.split(' ')[0]}` }, element('body', {}, body))

async function available(server: ServerProcess, name: string): Promise<TestClient> {
  const client = await server.login(name, 'phone')
  client.send('<presence/>')
  return client
}

async function enable(client: TestClient): Promise<void> {
  client.send(element('enable', { xmlns: SM, resume: 'true' }))
  await client.receive((el) => el.is('enabled', SM))
}

/** Waits until the server has taken responsibility for so many stanzas. */
async function acknowledged(client: TestClient, count: number): Promise<void> {
  client.send(element('r', { xmlns: SM }))
  while (Number((await client.receive((el) => el.is('a', SM))).attrs.h) < count);
}

async function rows(server: TestServer): Promise<number> {
  const [row] = await server.database.forPlugin('test').knex('ofDeliveryJournal').count({ rows: '*' })
  return Number((row as { rows: number }).rows)
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate)
}

test('killed with SIGKILL, the server has every message it acknowledged and nobody else had, with id and time, whatever the quota', async (t) => {
  const first = await startServerProcess(t)
  await first.createUsers('romeo', 'juliet', 'nurse')
  const [romeo, juliet, nurse] = [await available(first, 'romeo'), await available(first, 'juliet'), await available(first, 'nurse')]
  for (const client of [romeo, juliet, nurse]) await enable(client)
  await nurse.sync()
  nurse.drop()
  const text = (i: number) => `${i} ${'ü'.repeat(i === 7 ? 40_000 : 4000)}`
  for (let i = 0; i < 50; i++) {
    romeo.send(chat('juliet@localhost/phone', text(i)))
    romeo.send(chat('nurse@localhost', text(i)))
  }
  await acknowledged(romeo, 100)
  await first.kill()

  const second = await startServerProcess(t, { folder: first.folder })
  for (const name of ['juliet', 'nurse']) {
    const client = await available(second, name)
    for (let i = 0; i < 50; i++) {
      const message = await client.receive('message')
      assert.deepEqual([bodyOf(message), message.attrs.id], [text(i), `id-${i}`])
      assert.ok(message.getChild('delay', NS.delay)?.attrs.stamp)
    }
    await client.receiveNothing('message')
  }
})

test('a message is in the journal until it is acknowledged, once however many resources got it', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const [juliet, other] = [await server.login('juliet', { resource: 'balcony' }), await server.login('juliet', { resource: 'garden' })]
  for (const client of [romeo, juliet, other]) await enable(client)
  romeo.send(chat('juliet@test', '1'))
  await acknowledged(romeo, 1)
  assert.equal(await rows(server), 1)
  await juliet.receive('message')
  juliet.send(element('a', { xmlns: SM, h: 1 }))
  await juliet.sync()
  assert.equal(await rows(server), 1, 'the other has not acknowledged it')
  other.send(element('a', { xmlns: SM, h: 1 }))
  await until(async () => (await rows(server)) === 0)
})

test('what nobody misses later, what is kept already, and what goes to clients without acknowledgements is not written', async (t) => {
  const server = await startTestServer(t)
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  const romeo = await server.login('romeo')
  const plain = await server.login('tybalt', { resource: 'street' })
  const juliet = await server.login('juliet', { resource: 'balcony' })
  romeo.send(chat('nurse@test', 'kept'))
  await romeo.sync()
  const nurse = await server.login('nurse', { available: false })
  for (const client of [romeo, juliet, nurse]) await enable(client)
  nurse.send('<presence/>')
  await nurse.receive('message')
  romeo.send(chat('tybalt@test/street', '1'))
  romeo.send(element('message', { to: 'juliet@test/balcony', type: 'chat' }, element('composing', { xmlns: NS.chatStates })))
  romeo.send(element('message', { to: 'juliet@test/balcony', type: 'chat' }, element('body', {}, '2'), element('no-store', { xmlns: NS.hints })))
  romeo.send(element('message', { to: 'juliet@test/balcony', type: 'headline' }, element('body', {}, '3')))
  await acknowledged(romeo, 4)
  await plain.receive('message')
  assert.equal(await rows(server), 0)
})

test('what a client without acknowledgements has left in the socket is kept when its connection is lost', async (t) => {
  const server = await startTestServer(t, {
    config: { limits: { outboundBytes: 1_000_000_000 }, plugins: { settings: { 'offline-storage': { policy: 'store' } } } },
  })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  juliet.stream.pause()
  const body = 'x'.repeat(50_000)
  const session = server.sessions.get(juliet.jid)
  assert.ok(session)
  let sent = 0
  // More than the buffers of both kernels.
  while (session.arrived === session.handedOver || sent < 300) {
    romeo.send(chat('juliet@test/balcony', `${sent++} ${body}`))
    await romeo.sync()
  }
  assert.ok((await rows(server)) > 0)
  juliet.drop()
  await until(() => !server.sessions.get(juliet.jid))
  await until(async () => (await rows(server)) === 0)
  const again = await server.login('juliet')
  let number = Number.NaN
  while (number !== sent - 1) number = Number(bodyOf(await again.receive('message'))?.split(' ')[0])
})

test('with `fast` nothing is journalled, and what `strict` has left is given back', async (t) => {
  const first = await startTestServer(t)
  await first.accounts.create({ username: 'juliet', password: 'juliet' })
  await first.database
    .forPlugin('test')
    .knex('ofDeliveryJournal')
    .insert([
      {
        journalID: 1,
        username: 'juliet',
        creationDate: '001700000000000',
        stanza: '<message from="romeo@test" type="chat" id="a"><body>old</body></message>',
      },
      { journalID: 2, username: 'juliet', creationDate: '001700000000000', stanza: 'no message' },
      {
        journalID: 3,
        username: 'gone',
        creationDate: '001700000000000',
        stanza: '<message from="romeo@test" type="chat"><body>old</body></message>',
      },
    ])
  await first.stop()
  const second = await startTestServer(t, { config: { dataFolder: first.dataFolder, durability: 'fast' } })
  assert.equal(await rows(second), 0)
  const juliet = await second.login('juliet')
  const message = await juliet.receive('message')
  assert.deepEqual([bodyOf(message), message.getChild('delay', NS.delay)?.attrs.stamp], ['old', '2023-11-14T22:13:20.000Z'])
  const romeo = await second.login('romeo')
  await enable(juliet)
  romeo.send(chat('juliet@test', '1'))
  await juliet.receive('message')
  await romeo.sync()
  assert.equal(await rows(second), 0)
})

test('a row that nobody knows, as after a return that failed, is given back within two minutes; those of live sessions stay', async (t) => {
  const server = await startTestServer(t, { clock: 'virtual' })
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  for (const client of [romeo, juliet]) await enable(client)
  romeo.send(chat('juliet@test', '1'))
  await acknowledged(romeo, 1)
  await juliet.receive('message')
  const stanza = '<message from="romeo@test" type="chat"><body>forgotten</body></message>'
  await server.database
    .forPlugin('test')
    .knex('ofDeliveryJournal')
    .insert({ journalID: 0, username: 'nurse', creationDate: '001700000000000', stanza })
  await server.clock.advance(60_000)
  assert.equal(await rows(server), 2, 'it may have been on its way')
  await server.clock.advance(60_000)
  await until(async () => (await rows(server)) === 1)
  const nurse = await server.login('nurse')
  assert.equal(bodyOf(await nurse.receive('message')), 'forgotten')
  juliet.send(element('a', { xmlns: SM, h: 1 }))
  await juliet.sync()
  await server.clock.advance(1000)
  await until(async () => (await rows(server)) === 0)
  await juliet.receiveNothing('message')
})

test('an operator who has `strict` and no journal is told at the start', async (t) => {
  const told = (log: string) => log.split('\n').filter((it) => it.includes('no plugin keeps a delivery journal')).length
  const without = await startServerProcess(t, { config: { plugins: { disabled: ['delivery-journal'] } } })
  assert.equal(told(without.log), 1)
  const fast = await startServerProcess(t, { config: { durability: 'fast', plugins: { disabled: ['delivery-journal'] } } })
  assert.equal(told(fast.log), 0)
})

test('a reload of the plugin forgets no message, and its row goes when the client acknowledges it', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  for (const client of [romeo, juliet]) await enable(client)
  romeo.send(chat('juliet@test', '1'))
  await acknowledged(romeo, 1)
  await server.plugins.reload('delivery-journal')
  await juliet.receive('message')
  assert.equal(await rows(server), 1)
  juliet.send(element('a', { xmlns: SM, h: 1 }))
  await until(async () => (await rows(server)) === 0)
})
