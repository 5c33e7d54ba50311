/** Bookmarks of old and new clients, over sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, definePlugin, findChild, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import bookmarks from '../../plugins/bookmarks/index.js'
import caps from '../../plugins/caps/index.js'
import disco from '../../plugins/disco/index.js'
import presence from '../../plugins/presence/index.js'
import privateStorage from '../../plugins/private-storage/index.js'
import pubsub from '../../plugins/pubsub/index.js'
import roster from '../../plugins/roster/index.js'

const BASE = [roster, presence, disco, caps, pubsub, privateStorage]
const start = (t: TestScope) => startTestServer(t, { plugins: [...BASE, bookmarks] })
const store = (client: TestClient, inner: string) =>
  client.request(`<iq type="set"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks">${inner}</storage></query></iq>`)

async function stored(client: TestClient): Promise<string[]> {
  const answer = await client.request('<iq type="get"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query></iq>')
  const storage = findChild(answer, 'query', NS.privateStorage)?.getChild('storage', 'storage:bookmarks')
  assert.ok(storage, String(answer))
  return childElements(storage).map((it) =>
    [it.getName(), it.attrs.jid ?? it.attrs.url, it.attrs.name, it.getChildText('nick')].filter(Boolean).join(' '),
  )
}
async function items(client: TestClient): Promise<string[]> {
  const answer = await client.request(`<iq type="get"><pubsub xmlns="${NS.pubsub}"><items node="${NS.bookmarks}"/></pubsub></iq>`)
  const found = findChild(answer, 'pubsub', NS.pubsub)?.getChild('items')
  return (found ? childElements(found) : []).map((it) => {
    const conference = it.getChild('conference', NS.bookmarks)
    return [it.attrs.id, conference?.attrs.name, conference?.getChildText('nick'), conference?.getChild('extensions') ? 'extended' : '']
      .filter(Boolean)
      .join(' ')
  })
}
async function publish(client: TestClient, id: string, payload: string, access = 'whitelist'): Promise<void> {
  const field = (name: string, value: string) => `<field var="pubsub#${name}"><value>${value}</value></field>`
  const form = `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>${NS.pubsubPublishOptions}</value></field>${field('max_items', 'max')}${field('access_model', access)}</x>`
  const inner = `<publish node="${NS.bookmarks}"><item id="${id}">${payload}</item></publish><publish-options>${form}</publish-options>`
  const answer = await client.request(`<iq type="set"><pubsub xmlns="${NS.pubsub}">${inner}</pubsub></iq>`)
  assert.equal(answer.attrs.type, 'result', String(answer))
}
const room = (jid: string, name: string, inner = '') => `<conference jid="${jid}" name="${name}" autojoin="1">${inner}</conference>`

test('what an old client stores a new one finds: changed, added and left out', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  await store(juliet, room('a@rooms', 'A', '<nick>Jule</nick>') + room('b@rooms', 'B'))
  assert.deepEqual(await items(juliet), ['a@rooms A Jule', 'b@rooms B'])
  await store(juliet, `${room('b@rooms', 'B')}${room('c@rooms', 'C')}<url url="https://x/" name="X"/><conference name="nowhere"/>`)
  assert.deepEqual(await items(juliet), ['b@rooms B', 'c@rooms C'])
})

test('what a new client publishes an old one reads, with the addresses it had stored', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  await store(juliet, `${room('a@rooms', 'A')}<url url="https://x/" name="X"/>`)
  await publish(
    juliet,
    'b@rooms',
    `<conference xmlns="${NS.bookmarks}" name="B"><nick>Jule</nick><extensions><e xmlns="urn:e"/></extensions></conference>`,
  )
  assert.deepEqual(await stored(juliet), ['conference a@rooms A', 'conference b@rooms B Jule', 'url https://x/ X'])
  await store(juliet, room('b@rooms', 'Bee'))
  assert.deepEqual(await items(juliet), ['b@rooms Bee extended'])
})

test('bookmarks from before are brought over before the node is used, and seen by nobody else', async (t) => {
  const before = await startTestServer(t, { plugins: BASE })
  await store(await before.login('juliet'), room('a@rooms', 'A'))
  await before.stop()
  const server = await startTestServer(t, { plugins: [...BASE, bookmarks], config: { dataFolder: before.dataFolder } })
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await publish(juliet, 'b@rooms', `<conference xmlns="${NS.bookmarks}" name="B"/>`)
  assert.deepEqual(await items(juliet), ['a@rooms A', 'b@rooms B'])
  assert.deepEqual(await stored(juliet), ['conference a@rooms A', 'conference b@rooms B'])
  const refused = await romeo.request(`<iq type="get" to="juliet@test"><pubsub xmlns="${NS.pubsub}"><items node="${NS.bookmarks}"/></pubsub></iq>`)
  assert.equal(refused.attrs.type, 'error')
})

test('private bookmarks do not go to a node that others may read', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  await publish(juliet, 'a@rooms', `<conference xmlns="${NS.bookmarks}" name="A"/>`, 'open')
  await store(juliet, room('secret@rooms', 'S'))
  assert.deepEqual(await items(juliet), ['a@rooms A'])
})

test('without the plugin private storage keeps bookmarks as anything else', async (t) => {
  const server = await startTestServer(t, { plugins: [...BASE, definePlugin({ name: 'other', version: '1.0.0', setup: () => ({}) })] })
  const juliet = await server.login('juliet')
  await store(juliet, room('a@rooms', 'A'))
  assert.deepEqual(await stored(juliet), ['conference a@rooms A'])
  assert.deepEqual(await items(juliet), [])
})
