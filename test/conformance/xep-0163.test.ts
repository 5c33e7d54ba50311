/** Personal eventing (XEP-0163) as clients see it: who is told what, when, and who is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, type Element, findChild, infoQuery, legacyHashOfInfo, NS, parseElement } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import caps from '../../plugins/caps/index.js'
import disco from '../../plugins/disco/index.js'
import presence from '../../plugins/presence/index.js'
import privacy from '../../plugins/privacy/index.js'
import pubsub from '../../plugins/pubsub/index.js'
import roster from '../../plugins/roster/index.js'
import { befriend } from './support/contacts.js'

const TUNE = 'http://jabber.org/protocol/tune'
const CLIENT = { category: 'client', type: 'pc', name: 'Balcony' }
const start = (t: TestScope): Promise<TestServer> => startTestServer(t, { plugins: [roster, presence, disco, caps, pubsub] })
const isEvent = (el: Element) => el.getName() === 'message' && findChild(el, 'event', NS.pubsubEvent) !== undefined
const isQuestion = (el: Element) => el.getName() === 'iq' && el.attrs.type === 'get'

/** Sends presence that asks for notifications of these nodes, and answers the server's question if it has one. */
async function interested(client: TestClient, ...nodes: string[]): Promise<void> {
  const query = infoQuery(undefined, { identities: [CLIENT], features: nodes.map((it) => `${it}+notify`) })
  client.send(`<presence><c xmlns="${NS.legacyCaps}" hash="sha-1" node="urn:balcony" ver="${legacyHashOfInfo(query, 'sha-1')}"/></presence>`)
  await client.sync()
  if (client.stream.queued(isQuestion).length === 0) return
  const question = await client.receive(isQuestion)
  client.send(`<iq type="result" id="${question.attrs.id}" to="${question.attrs.from}">${query}</iq>`)
  await client.sync()
}

const options = (fields: Record<string, string>) =>
  `<publish-options><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>${NS.pubsubPublishOptions}</value></field>${Object.entries(
    fields,
  )
    .map(([name, value]) => `<field var="pubsub#${name}"><value>${value}</value></field>`)
    .join('')}</x></publish-options>`
const publishing = (node: string, title: string, { id = '', more = '', to = '' } = {}) =>
  `<iq type="set" ${to && `to="${to}"`}><pubsub xmlns="${NS.pubsub}"><publish node="${node}"><item ${id && `id="${id}"`}><tune xmlns="${TUNE}"><title>${title}</title></tune></item></publish>${more}</pubsub></iq>`
const itemsOf = (to: string, node: string, more = '') =>
  `<iq type="get" to="${to}"><pubsub xmlns="${NS.pubsub}"><items node="${node}" ${more}/></pubsub></iq>`
const titles = (answer: Element) => {
  const items = findChild(answer, 'pubsub', NS.pubsub)?.getChild('items', NS.pubsub)
  return items ? childElements(items).map((it) => it.getChild('tune', TUNE)?.getChildText('title')) : undefined
}
function eventItem(message: Element): Element {
  const items = findChild(message, 'event', NS.pubsubEvent)?.getChild('items', NS.pubsubEvent)
  const [item] = items ? childElements(items) : []
  assert.ok(item, String(message))
  return item
}
function applicationCondition(answer: Element): string | undefined {
  const error = answer.getChild('error')
  return error
    ? childElements(error)
        .find((it) => it.getNS() === NS.pubsubErrors)
        ?.getName()
    : undefined
}

test('contacts that see the presence and are interested get what is published, and so do the own resources (XEP-0163 §4.3)', async (t) => {
  const server = await start(t)
  const [juliet, romeo, nurse, stranger] = [
    await server.login('juliet'),
    await server.login('romeo'),
    await server.login('nurse'),
    await server.login('tybalt'),
  ]
  const chamber = await server.login('juliet', { resource: 'chamber' })
  await befriend(juliet, romeo)
  await befriend(juliet, nurse)
  for (const client of [juliet, romeo, stranger]) await interested(client, TUNE)
  const answer = await juliet.request(publishing(TUNE, 'Allegro', { id: 'current' }))
  assert.equal(answer.attrs.type, 'result')
  assert.equal(findChild(answer, 'pubsub', NS.pubsub)?.getChild('publish')?.getChild('item')?.attrs.id, 'current')
  for (const client of [romeo, juliet]) {
    const event = await client.receive(isEvent)
    assert.equal(event.attrs.from, 'juliet@test')
    assert.equal(event.attrs.to, client.jid.toString())
    assert.equal(event.attrs.type, 'headline')
    assert.equal(eventItem(event).attrs.id, 'current')
    assert.equal(eventItem(event).getChild('tune', TUNE)?.getChildText('title'), 'Allegro')
    const address = findChild(event, 'addresses', NS.addresses)?.getChild('address')
    assert.equal(address?.attrs.jid, juliet.jid.toString())
  }
  for (const client of [nurse, stranger, chamber]) await client.receiveNothing(isEvent)
})

test('who comes later gets the last item once, with its date (XEP-0163 §4.3.4)', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo', { resource: 'orchard' })]
  await befriend(juliet, romeo)
  await juliet.request(publishing(TUNE, 'One', { id: '1' }))
  await juliet.request(publishing(TUNE, 'Two', { id: '2' }))
  await romeo.close()
  const again = await server.login('romeo', { available: false })
  await interested(again, TUNE)
  const event = await again.receive(isEvent)
  assert.equal(eventItem(event).attrs.id, '2')
  assert.match(findChild(event, 'delay', NS.delay)?.attrs.stamp, /^\d{4}-/)
  again.send('<presence><show>away</show></presence>')
  await again.receiveNothing(isEvent)
  await interested(again, TUNE, 'urn:other')
  await again.receiveNothing(isEvent)
  await interested(juliet, TUNE)
  assert.equal(eventItem(await juliet.receive(isEvent)).attrs.id, '2')
})

test('a contact is let in with the approval of its subscription, and gets nothing more when it is cancelled', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await interested(romeo, TUNE)
  await juliet.request(publishing(TUNE, 'One', { id: '1' }))
  await romeo.receiveNothing(isEvent)
  const refused = await romeo.request(itemsOf('juliet@test', TUNE))
  assert.equal(errorCondition(refused), 'not-authorized')
  assert.equal(applicationCondition(refused), 'presence-subscription-required')
  await befriend(juliet, romeo)
  assert.equal(eventItem(await romeo.receive(isEvent)).attrs.id, '1')
  assert.deepEqual(titles(await romeo.request(itemsOf('juliet@test', TUNE))), ['One'])
  const subscribed = await romeo.request(
    `<iq type="set" to="juliet@test"><pubsub xmlns="${NS.pubsub}"><subscribe node="${TUNE}" jid="romeo@test"/></pubsub></iq>`,
  )
  assert.equal(subscribed.attrs.type, 'result')
  await romeo.receive(isEvent)
  juliet.send('<presence type="unsubscribed" to="romeo@test"/>')
  await juliet.sync()
  const ended = await romeo.receive(isEvent)
  assert.equal(findChild(ended, 'event', NS.pubsubEvent)?.getChild('subscription')?.attrs.subscription, 'none')
  await juliet.request(publishing(TUNE, 'Two', { id: '2' }))
  await romeo.receiveNothing(isEvent)
})

test('one who sees the presence and subscribes by hand as well gets each event once (XEP-0163 §4.3.2)', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await befriend(juliet, romeo)
  await interested(romeo, TUNE)
  await juliet.request(publishing(TUNE, 'One'))
  await romeo.receive(isEvent)
  await romeo.request(`<iq type="set" to="juliet@test"><pubsub xmlns="${NS.pubsub}"><subscribe node="${TUNE}" jid="romeo@test"/></pubsub></iq>`)
  await romeo.receive(isEvent)
  await juliet.request(publishing(TUNE, 'Two'))
  await romeo.receive(isEvent)
  await romeo.receiveNothing(isEvent)
})

test('options configure a node that is made, and are conditions for one that is there (XEP-0060 §7.1.5)', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  const open = options({ access_model: 'open', max_items: '2' })
  assert.equal((await juliet.request(publishing(TUNE, 'One', { more: open }))).attrs.type, 'result')
  assert.deepEqual(titles(await romeo.request(itemsOf('juliet@test', TUNE))), ['One'])
  const unmet = await juliet.request(publishing(TUNE, 'Two', { more: options({ access_model: 'whitelist' }) }))
  assert.equal(errorCondition(unmet), 'conflict')
  assert.equal(applicationCondition(unmet), 'precondition-not-met')
  for (const fields of [{ nonsense: '1' }, { max_items: 'many' }, { access_model: 'secret' }] as Record<string, string>[]) {
    assert.equal(errorCondition(await juliet.request(publishing(TUNE, 'Two', { more: options(fields) }))), 'not-acceptable')
    assert.equal(errorCondition(await juliet.request(publishing('urn:new', 'Two', { more: options(fields) }))), 'not-acceptable')
  }
  const empty = `<iq type="set"><pubsub xmlns="${NS.pubsub}"><publish node="urn:new"><item/></publish></pubsub></iq>`
  assert.equal(applicationCondition(await juliet.request(empty)), 'payload-required')
  assert.equal(errorCondition(await juliet.request(itemsOf('juliet@test', 'urn:new'))), 'item-not-found', 'what is refused makes no node')
  assert.equal(errorCondition(await juliet.request(publishing('juliet@test', 'One'))), 'conflict', 'the name of the root collection is taken')
  assert.deepEqual(titles(await romeo.request(itemsOf('juliet@test', TUNE))), ['One'])
})

test('bookmarks: kept all, shown to nobody else, sent to the own clients only as they change (XEP-0402 §4)', async (t) => {
  const server = await start(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  const chamber = await server.login('juliet', { resource: 'chamber' })
  await befriend(juliet, romeo)
  for (const client of [chamber, romeo]) await interested(client, NS.bookmarks)
  const bookmark = (room: string) =>
    `<iq type="set"><pubsub xmlns="${NS.pubsub}"><publish node="${NS.bookmarks}"><item id="${room}"><conference xmlns="${NS.bookmarks}" autojoin="true"/></item></publish>${options(
      { persist_items: 'true', max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' },
    )}</pubsub></iq>`
  for (const room of ['theplay@conference.test', 'orchard@conference.test']) {
    assert.equal((await juliet.request(bookmark(room))).attrs.type, 'result')
    assert.equal(eventItem(await chamber.receive(isEvent)).attrs.id, room)
  }
  const answer = await chamber.request(itemsOf('juliet@test', NS.bookmarks))
  const items = findChild(answer, 'pubsub', NS.pubsub)?.getChild('items')
  assert.deepEqual(items && childElements(items).map((it) => it.attrs.id), ['theplay@conference.test', 'orchard@conference.test'])
  const retracting = `<iq type="set"><pubsub xmlns="${NS.pubsub}"><retract node="${NS.bookmarks}" notify="true"><item id="theplay@conference.test"/></retract></pubsub></iq>`
  assert.equal((await juliet.request(retracting)).attrs.type, 'result')
  const event = eventItem(await chamber.receive(isEvent))
  assert.equal(`${event.getName()} ${event.attrs.id}`, 'retract theplay@conference.test')
  const refused = await romeo.request(itemsOf('juliet@test', NS.bookmarks))
  assert.equal(errorCondition(refused), 'not-allowed')
  assert.equal(applicationCondition(refused), 'closed-node')
  await romeo.receiveNothing(isEvent)
  const late = await server.login('juliet', { resource: 'late', available: false })
  await interested(late, NS.bookmarks)
  await late.receiveNothing(isEvent)
})

test('the roster access model shows a node to some groups of contacts (XEP-0060 §4.5)', async (t) => {
  const server = await start(t)
  const [juliet, romeo, nurse] = [await server.login('juliet'), await server.login('romeo'), await server.login('nurse')]
  await befriend(juliet, romeo)
  await befriend(juliet, nurse)
  await juliet.request(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="romeo@test"><group>Friends</group></item></query></iq>`)
  for (const client of [romeo, nurse]) await interested(client, TUNE)
  const friends = options({ access_model: 'roster', roster_groups_allowed: 'Friends' })
  await juliet.request(publishing(TUNE, 'One', { more: friends }))
  await romeo.receive(isEvent)
  await nurse.receiveNothing(isEvent)
  const refused = await nurse.request(itemsOf('juliet@test', TUNE))
  assert.equal(applicationCondition(refused), 'not-in-roster-group')
  await romeo.request(`<iq type="set" to="juliet@test"><pubsub xmlns="${NS.pubsub}"><subscribe node="${TUNE}" jid="romeo@test"/></pubsub></iq>`)
  await romeo.receive(isEvent)
  await juliet.request(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="romeo@test"><group>Foes</group></item></query></iq>`)
  await juliet.request(publishing(TUNE, 'Two'))
  const ended = await romeo.receive(isEvent)
  assert.equal(findChild(ended, 'event', NS.pubsubEvent)?.getChild('subscription')?.attrs.subscription, 'none')
  await romeo.receiveNothing(isEvent)
})

test('discovery: an account shows what it can, and its nodes to those who may read them (XEP-0163 §6)', async (t) => {
  const server = await start(t)
  const [juliet, romeo, tybalt] = [await server.login('juliet'), await server.login('romeo'), await server.login('tybalt')]
  await befriend(juliet, romeo)
  await juliet.request(publishing(TUNE, 'One', { id: 'one' }))
  await juliet.request(publishing('urn:secret', 'Two', { more: options({ access_model: 'whitelist' }) }))
  const ask = (client: TestClient, namespace: string, node = '') =>
    client.request(`<iq type="get" to="juliet@test"><query xmlns="${namespace}" ${node && `node="${node}"`}/></iq>`)
  const info = findChild(await ask(juliet, NS.discoInfo), 'query', NS.discoInfo)
  const identities = info?.getChildren('identity').map((it) => `${it.attrs.category}/${it.attrs.type}`)
  assert.deepEqual(identities, ['account/registered', 'pubsub/pep'])
  const features = info?.getChildren('feature').map((it) => String(it.attrs.var)) ?? []
  for (const it of ['auto-create', 'auto-subscribe', 'filtered-notifications', 'publish-options', 'access-presence']) {
    assert.ok(features.includes(`${NS.pubsub}#${it}`), it)
  }
  const nodes = async (client: TestClient) => {
    const query = findChild(await ask(client, NS.discoItems), 'query', NS.discoItems)
    return query && childElements(query).map((it) => it.attrs.node)
  }
  assert.deepEqual(await nodes(juliet), [TUNE, 'urn:secret'])
  assert.deepEqual(await nodes(romeo), [TUNE])
  assert.equal(errorCondition(await ask(tybalt, NS.discoItems)), 'service-unavailable')
  const items = findChild(await ask(romeo, NS.discoItems, TUNE), 'query', NS.discoItems)
  assert.deepEqual(items && childElements(items).map((it) => it.attrs.name), ['one'])
  const meta = findChild(await ask(romeo, NS.discoInfo, TUNE), 'query', NS.discoInfo)
  assert.equal(meta?.getChild('identity')?.attrs.type, 'leaf')
  assert.match(String(meta), /pubsub#meta-data/)
  assert.equal(errorCondition(await ask(romeo, NS.discoInfo, 'urn:secret')), 'item-not-found')
})

test('a stranger cannot tell an account with nothing for it from no account', async (t) => {
  const server = await start(t)
  await server.login('juliet')
  const tybalt = await server.login('tybalt')
  const requests = [
    itemsOf('NAME@test', TUNE),
    `<iq type="get" to="NAME@test"><pubsub xmlns="${NS.pubsub}"><subscriptions/></pubsub></iq>`,
    `<iq type="set" to="NAME@test"><pubsub xmlns="${NS.pubsub}"><subscribe node="x" jid="tybalt@test"/></pubsub></iq>`,
    `<iq type="set" to="NAME@test"><pubsub xmlns="${NS.pubsub}"><create node="x"/></pubsub></iq>`,
    `<iq type="get" to="NAME@test"><pubsub xmlns="${NS.pubsubOwner}"><default/></pubsub></iq>`,
    `<iq type="set" to="NAME@test"><pubsub xmlns="${NS.pubsubOwner}"><delete node="x"/></pubsub></iq>`,
    publishing(TUNE, 'One', { to: 'NAME@test' }),
  ]
  for (const request of requests) {
    const answers = await Promise.all(['juliet', 'nobody'].map((name) => tybalt.request(request.replace('NAME', name))))
    assert.deepEqual(answers.map(errorCondition), ['service-unavailable', 'service-unavailable'], request)
  }
})

test('nodes survive a restart of the server, and go with their account', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  await juliet.request(publishing(TUNE, 'One', { id: '1' }))
  await server.stop()
  const restarted = await startTestServer(t, { plugins: [roster, presence, disco, caps, pubsub], config: { dataFolder: server.dataFolder } })
  const again = await restarted.login('juliet', { available: false })
  await interested(again, TUNE)
  assert.equal(eventItem(await again.receive(isEvent)).attrs.id, '1')
  await restarted.accounts.remove('juliet')
  for (const table of ['ofPubsubNode', 'ofPubsubItem', 'ofPubsubAffiliation']) {
    assert.deepEqual(await restarted.database.forPlugin('test').knex(table).select('*'), [], table)
  }
})

test('payloads keep the namespaces they inherited', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  await juliet.request(
    `<iq type="set" xmlns:t="${TUNE}"><pubsub xmlns="${NS.pubsub}"><publish node="${TUNE}"><item><t:tune><t:title>One</t:title></t:tune></item></publish></pubsub></iq>`,
  )
  const answer = await juliet.request(itemsOf('juliet@test', TUNE))
  const item = findChild(answer, 'pubsub', NS.pubsub)?.getChild('items')?.getChild('item')
  assert.ok(item)
  const [payload] = childElements(parseElement(item.toString(), NS.pubsub))
  assert.equal(payload?.getNS(), TUNE)
})

test('a contact that the user blocks gets nothing, nor does one that blocks the user (XEP-0163 §4.3.3)', async (t) => {
  const server = await startTestServer(t, { plugins: [roster, presence, disco, caps, pubsub, privacy] })
  const [juliet, romeo, nurse] = [await server.login('juliet'), await server.login('romeo'), await server.login('nurse')]
  for (const client of [romeo, nurse]) {
    await befriend(juliet, client)
    await interested(client, TUNE)
  }
  const block = (jid: string) => `<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${jid}"/></block></iq>`
  assert.equal((await juliet.request(block('romeo@test'))).attrs.type, 'result')
  assert.equal((await nurse.request(block('juliet@test'))).attrs.type, 'result')
  await juliet.request(publishing(TUNE, 'One'))
  for (const client of [romeo, nurse]) await client.receiveNothing(isEvent)
})

test('while caps or pubsub are reloaded clients keep their interests, and get nothing twice', async (t) => {
  const server = await startTestServer(t)
  const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
  await befriend(juliet, romeo)
  await interested(romeo, TUNE)
  await juliet.request(publishing(TUNE, 'One', { id: '1' }))
  assert.equal(eventItem(await romeo.receive(isEvent)).attrs.id, '1')
  for (const plugin of ['pubsub', 'caps']) {
    await server.plugins.reload(plugin)
    await romeo.receiveNothing((el) => isEvent(el) || isQuestion(el))
    const id = `after ${plugin}`
    await juliet.request(publishing(TUNE, 'More', { id }))
    assert.equal(eventItem(await romeo.receive(isEvent)).attrs.id, id)
    await romeo.receiveNothing(isEvent)
  }
})
