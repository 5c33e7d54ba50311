import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, type Element, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient } from '@beaconfire/plugin-sdk/testing'
import carbons from '../../plugins/carbons/index.js'
import disco from '../../plugins/disco/index.js'
import mam from '../../plugins/mam/index.js'
import messageHints from '../../plugins/message-hints/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import stanzaIds from '../../plugins/stanza-ids/index.js'

const plugins = [roster, presence, disco, offlineStorage, carbons, stanzaIds, mam, messageHints]

const hint = (...names: string[]) => names.map((it) => `<${it} xmlns="urn:xmpp:hints"/>`).join('')
const chat = (content: string, to = 'juliet@test') => `<message to="${to}" type="chat" id="m">${content}</message>`
const isMessage = (el: Element) => el.getName() === 'message'

/** Bodies in the client's archive; '' where there is none. */
async function archivedBodies(client: TestClient): Promise<string[]> {
  await client.request('<iq type="set"><query xmlns="urn:xmpp:mam:2"/></iq>')
  const results = client.stream.queued(isMessage).flatMap((it) => it.getChild('result', NS.mam) ?? [])
  client.stream.discard(isMessage)
  return results.map((it) => it.getChild('forwarded', NS.forward)?.getChild('message')?.getChildText('body') ?? '')
}

test('the server says that it obeys hints', async (t) => {
  const server = await startTestServer(t, { plugins })
  const romeo = await server.login('romeo')
  const answer = await romeo.request('<iq type="get" to="test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  assert.ok(childElements(answer.getChild('query') ?? answer).some((it) => it.attrs.var === 'urn:xmpp:hints'))
})

test('an absent user gets what may wait, and of the rest the sender is told (XEP-0334 §4)', async (t) => {
  const server = await startTestServer(t, { plugins })
  const romeo = await server.login('romeo')
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  romeo.send(chat(`<body>no store</body>${hint('no-store')}`))
  assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
  for (const content of [
    `<body>no store, store</body>${hint('no-store', 'store')}`,
    `<body>no permanent store</body>${hint('no-permanent-store')}`,
    `<x xmlns="urn:test"/>${hint('store')}`,
    `<composing xmlns="${NS.chatStates}"/>${hint('no-store')}`,
    `<received xmlns="${NS.receipts}" id="1"/>`,
    `<displayed xmlns="${NS.chatMarkers}" id="1"/>`,
  ]) {
    romeo.send(chat(content))
  }
  assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
  await romeo.receiveNothing(isMessage)
  const juliet = await server.login('juliet')
  await juliet.sync()
  assert.deepEqual(
    juliet.stream.queued(isMessage).map((it) => it.getChildText('body')),
    ['no permanent store', null],
  )
  juliet.stream.discard(isMessage)
  assert.deepEqual(await archivedBodies(juliet), [''])
  assert.deepEqual(await archivedBodies(romeo), [''])
})

test('no-copy keeps a message from the other resources of both users', async (t) => {
  const server = await startTestServer(t, { plugins })
  const [romeo, phone] = [await server.login('romeo'), await server.login('romeo')]
  const [juliet, chamber] = [await server.login('juliet', { resource: 'balcony' }), await server.login('juliet')]
  for (const it of [phone, chamber]) await it.request('<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  romeo.send(chat(`<body>for one</body>${hint('no-copy')}`, 'juliet@test/balcony'))
  assert.equal((await juliet.receive('message')).getChildText('body'), 'for one')
  await romeo.sync()
  for (const it of [phone, chamber]) await it.receiveNothing(isMessage)
})

test('receipts, markers and states reach who is there, whatever hints they have', async (t) => {
  const server = await startTestServer(t, { plugins })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
  const contents = [
    `<received xmlns="${NS.receipts}" id="1"/>`,
    `<displayed xmlns="${NS.chatMarkers}" id="1"/>`,
    `<paused xmlns="${NS.chatStates}"/>`,
  ]
  for (const content of contents) {
    for (const to of ['juliet@test', 'juliet@test/balcony']) romeo.send(chat(content + hint('no-store', 'no-copy'), to))
  }
  await romeo.receiveNothing(isMessage)
  await juliet.sync()
  assert.deepEqual(
    juliet.stream.queued(isMessage).map((it) => childElements(it)[0]?.getName()),
    ['received', 'received', 'displayed', 'displayed', 'paused', 'paused'],
  )
})
