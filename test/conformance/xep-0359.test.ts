import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, definePlugin, type Element, findChild, NS, PacketRejected, type StanzaIdGiver } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import carbons from '../../plugins/carbons/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import stanzaIds from '../../plugins/stanza-ids/index.js'

const plugins = [roster, presence, offlineStorage, carbons, stanzaIds]

const ids = (message: Element) => childElements(message).filter((it) => it.is('stanza-id', NS.stanzaIds))
const idBy = (message: Element, by: string): string | undefined => ids(message).find((it) => it.attrs.by === by)?.attrs.id
const forwarded = (carbon: Element, direction: string): Element => {
  const copy = findChild(carbon, direction, NS.carbons)?.getChild('forwarded', NS.forward)?.getChild('message')
  assert.ok(copy)
  return copy
}

function archiving(giver: StanzaIdGiver) {
  return definePlugin({
    name: 'archiving',
    version: '1.0.0',
    requires: ['stanza-ids'],
    setup: ({ services }) => ({
      interceptors: [
        {
          name: 'offer',
          band: 'transform',
          when: { stanza: 'message', incoming: true, processed: false },
          interceptPacket: ({ routed }) => services['stanza-ids'].offer(routed, giver),
        },
      ],
    }),
  })
}

async function romeoAndJuliet(t: Parameters<typeof startTestServer>[0], options: TestServerOptions = { plugins }) {
  const server = await startTestServer(t, options)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
  return { server, romeo, juliet }
}

test('all resources of an account get a message with the same id, in the name of the account', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t)
  const chamber = await server.login('juliet', { resource: 'chamber' })
  romeo.send('<message to="juliet@test" type="chat"><body>Hi</body></message>')
  const id = idBy(await juliet.receive('message'), 'juliet@test')
  assert.ok(id)
  assert.equal(idBy(await chamber.receive('message'), 'juliet@test'), id)
  romeo.send('<message to="juliet@test" type="chat"><body>Hi</body></message>')
  assert.notEqual(idBy(await juliet.receive('message'), 'juliet@test'), id)
})

test('ids in the name of an account here or of the server are removed, however they are spelt; others and origin-id stay', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  const forged = ['juliet@test', 'JULIET@test', 'test', 'romeo@test', 'juliet@test/balcony'].map(
    (by) => `<stanza-id xmlns="urn:xmpp:sid:0" by="${by}" id="f"/>`,
  )
  const foreign = '<stanza-id xmlns="urn:xmpp:sid:0" by="room@elsewhere" id="r"/><stanza-id xmlns="urn:xmpp:sid:0" id="none"/>'
  romeo.send(`<message to="juliet@test" type="chat">${forged.join('')}${foreign}<origin-id xmlns="urn:xmpp:sid:0" id="o"/><body>Hi</body></message>`)
  const message = await juliet.receive('message')
  assert.deepEqual(
    ids(message).map((it) => it.attrs.by),
    ['room@elsewhere', undefined, 'juliet@test'],
  )
  assert.notEqual(idBy(message, 'juliet@test'), 'f')
  assert.equal(message.getChild('origin-id', NS.stanzaIds)?.attrs.id, 'o')
})

test('a message that comes back as an error tells nothing of ids', async (t) => {
  const { romeo } = await romeoAndJuliet(t, { plugins: plugins.filter((it) => it !== offlineStorage) })
  for (const to of ['nobody@test', 'juliet@test']) {
    romeo.send(`<message to="${to}/gone" id="m"><body>Hi</body></message>`)
    assert.deepEqual(ids(await romeo.receive('message')), [])
  }
})

test('a kept message has the id that the account took it with', async (t) => {
  const given: string[] = []
  const giver: StanzaIdGiver = {
    idFor(message, account) {
      given.push(`${account} ${message.body}`)
      return Promise.resolve(`id ${given.length}`)
    },
  }
  const server = await startTestServer(t, { plugins: [...plugins, archiving(giver)] })
  const romeo = await server.login('romeo')
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  romeo.send('<message to="juliet@test" type="chat"><body>Hi</body></message>')
  await romeo.sync()
  const juliet = await server.login('juliet')
  const message = await juliet.receive('message')
  assert.equal(idBy(message, 'juliet@test'), 'id 2')
  assert.equal(ids(message).length, 1)
  assert.deepEqual(given, ['romeo@test Hi', 'juliet@test Hi'])
})

test('what is kept but gets no id has none when it is handed over, and nobody is asked again', async (t) => {
  const giver: StanzaIdGiver = { idFor: () => undefined }
  const server = await startTestServer(t, { plugins: [...plugins, archiving(giver)] })
  const romeo = await server.login('romeo')
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  romeo.send('<message to="juliet@test" type="chat"><body>Hi</body></message>')
  await romeo.sync()
  assert.deepEqual(ids(await (await server.login('juliet')).receive('message')), [])
})

test('a sent carbon has the id of the sender, a received one that of the recipient', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t)
  const [phone, chamber] = [await server.login('romeo'), await server.login('juliet')]
  for (const it of [phone, chamber]) await it.request('<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  romeo.send('<message to="juliet@test/balcony" type="chat"><body>Hi</body></message>')
  const live = await juliet.receive('message')
  const received = forwarded(await chamber.receive('message'), 'received')
  assert.equal(idBy(received, 'juliet@test'), idBy(live, 'juliet@test'))
  const sent = forwarded(await phone.receive('message'), 'sent')
  assert.ok(idBy(sent, 'romeo@test'))
  assert.deepEqual([ids(live).length, ids(received).length, ids(sent).length], [1, 1, 1])
})

test('a message to oneself is filed once', async (t) => {
  const given: string[] = []
  const giver: StanzaIdGiver = { idFor: (_message, account) => `${given.push(account.toString())}` }
  const { romeo } = await romeoAndJuliet(t, { plugins: [...plugins, archiving(giver)] })
  romeo.send('<message to="romeo@test" type="chat"><body>Note</body></message>')
  assert.equal(idBy(await romeo.receive('message'), 'romeo@test'), '1')
  assert.deepEqual(given, ['romeo@test'])
})

test('a message that an interceptor keeps from a recipient gets no id there', async (t) => {
  const given: string[] = []
  const giver: StanzaIdGiver = { idFor: (_message, account) => `${given.push(account.toString())}` }
  const refusing = definePlugin({
    name: 'refusing',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'refuse',
          band: 'guard',
          when: { stanza: 'message', incoming: false, processed: false },
          interceptPacket() {
            throw new PacketRejected()
          },
        },
      ],
    }),
  })
  const { romeo } = await romeoAndJuliet(t, { plugins: [...plugins, archiving(giver), refusing] })
  romeo.send('<message to="juliet@test" type="chat"><body>Hi</body></message>')
  await romeo.sync()
  assert.deepEqual(given, ['romeo@test'])
})

test('messages of rooms and errors pass as they are', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  romeo.send('<message to="juliet@test/balcony" type="groupchat"><body>Hi</body></message>')
  romeo.send('<message to="juliet@test/balcony" type="error"><body>Hi</body></message>')
  for (let i = 0; i < 2; i++) assert.deepEqual(ids(await juliet.receive('message')), [])
})
