/** The publish-subscribe service (XEP-0060) at its own domain. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import caps from '../../plugins/caps/index.js'
import disco from '../../plugins/disco/index.js'
import presence from '../../plugins/presence/index.js'
import pubsub from '../../plugins/pubsub/index.js'
import roster from '../../plugins/roster/index.js'

const NODE = 'princely_musings'
const ENTRY = 'http://www.w3.org/2005/Atom'
const start = (t: TestScope): Promise<TestServer> => startTestServer(t, { plugins: [roster, presence, disco, caps, pubsub] })
const isEvent = (el: Element) => el.getName() === 'message' && findChild(el, 'event', NS.pubsubEvent) !== undefined
const request = (client: TestClient, type: 'get' | 'set', inner: string, namespace: string = NS.pubsub) =>
  client.request(`<iq type="${type}" to="pubsub.test"><pubsub xmlns="${namespace}">${inner}</pubsub></iq>`)
const own = (client: TestClient, type: 'get' | 'set', inner: string) => request(client, type, inner, NS.pubsubOwner)
const form = (fields: Record<string, string>, formType: string = NS.pubsubNodeConfig) =>
  `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>${formType}</value></field>${Object.entries(fields)
    .map(([name, value]) => `<field var="pubsub#${name}"><value>${value}</value></field>`)
    .join('')}</x>`
const create = (fields?: Record<string, string>, node = NODE) => `<create node="${node}"/>${fields ? `<configure>${form(fields)}</configure>` : ''}`
const item = (id: string, title = id) => `<item ${id && `id="${id}"`}><entry xmlns="${ENTRY}"><title>${title}</title></entry></item>`
const publish = (...items: string[]) => `<publish node="${NODE}">${items.join('')}</publish>`
const subscribe = (jid: string) => `<subscribe node="${NODE}" jid="${jid}"/>`

async function granted(answer: Promise<Element>): Promise<Element | undefined> {
  const result = await answer
  assert.equal(result.attrs.type, 'result', String(result))
  return childElements(result)[0]
}
/** The condition, what XEP-0060 adds to it, and the feature that is missing. */
async function refused(answer: Promise<Element>): Promise<string> {
  const refusal = await answer
  const error = refusal.getChild('error')
  assert.ok(error, `an error, not ${refusal}`)
  const condition = childElements(error).find((it) => it.getNS() === NS.pubsubErrors)
  return [errorCondition(refusal), condition?.getName(), condition?.attrs.feature].filter(Boolean).join(' ')
}
const inEvent = (message: Element) => findChild(message, 'event', NS.pubsubEvent)?.children[0] as Element
const ids = (answer: Element | undefined) => {
  const items = answer?.getChild('items')
  return items ? childElements(items).map((it) => String(it.attrs.id)) : []
}

test('subscribers get what is published, until they unsubscribe (XEP-0060 §6, §7.1)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create()))
  const subscription = (await granted(request(francisco, 'set', subscribe('francisco@test'))))?.getChild('subscription')
  assert.equal(subscription?.attrs.subscription, 'subscribed')
  assert.equal(subscription?.attrs.node, NODE)
  const published = await granted(request(hamlet, 'set', publish(item(''))))
  const id = published?.getChild('publish')?.getChild('item')?.attrs.id
  assert.ok(id, 'an id is made where none is given')
  const event = await francisco.receive(isEvent)
  assert.equal(event.attrs.from, 'pubsub.test')
  assert.equal(event.attrs.to, 'francisco@test')
  assert.equal(inEvent(event).attrs.node, NODE)
  assert.equal(inEvent(event).getChild('item')?.attrs.id, id)
  const listed = (await granted(request(francisco, 'get', '<subscriptions/>')))?.getChild('subscriptions')?.getChild('subscription')
  assert.equal(listed?.attrs.subid, subscription?.attrs.subid)
  await granted(request(francisco, 'set', `<unsubscribe node="${NODE}" jid="francisco@test"/>`))
  assert.equal(await refused(request(francisco, 'set', `<unsubscribe node="${NODE}" jid="francisco@test"/>`)), 'unexpected-request not-subscribed')
  await granted(request(hamlet, 'set', publish(item('2'))))
  await francisco.receiveNothing(isEvent)
})

test('items are had all, by number, by id and by page, the oldest first (XEP-0060 §6.5, XEP-0059)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create()))
  for (const id of ['a', 'b', 'c', 'd', 'e']) await granted(request(hamlet, 'set', publish(item(id))))
  await granted(request(hamlet, 'set', publish(item('a', 'again'))))
  const items = (more = '', inner = '', set = '') => request(francisco, 'get', `<items node="${NODE}" ${more}>${inner}</items>${set}`)
  assert.deepEqual(ids(await granted(items())), ['b', 'c', 'd', 'e', 'a'])
  assert.deepEqual(ids(await granted(items('max_items="2"'))), ['e', 'a'])
  assert.deepEqual(ids(await granted(items('', '<item id="d"/><item id="nothing"/>'))), ['d'])
  const page = (inner: string) => items('', '', `<set xmlns="${NS.resultSet}">${inner}</set>`)
  const first = await granted(page('<max>2</max>'))
  assert.deepEqual(ids(first), ['b', 'c'])
  const set = first?.getChild('set', NS.resultSet)
  assert.deepEqual([set?.getChildText('last'), set?.getChildText('count'), set?.getChild('first')?.attrs.index], ['c', '5', '0'])
  assert.deepEqual(ids(await granted(page('<max>2</max><after>c</after>'))), ['d', 'e'])
  assert.deepEqual(ids(await granted(page('<max>2</max><before/>'))), ['e', 'a'])
  assert.deepEqual(ids(await granted(page('<max>0</max>'))), [])
  assert.equal(await refused(page('<after>nothing</after>')), 'item-not-found')
  assert.equal(await refused(page('<max>-1</max>')), 'bad-request')
  assert.equal(await refused(items('max_items="0"')), 'bad-request')
  assert.equal(await refused(items('subid="nothing"')), 'not-acceptable invalid-subid')
})

test('a node keeps so many items as it says, and refuses more only if it says so (XEP-0060 §7.1.2.6)', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  const kept = async () => ids(await granted(request(hamlet, 'get', `<items node="${NODE}"/>`)))
  await granted(request(hamlet, 'set', create({ max_items: '2' })))
  for (const id of ['a', 'b', 'c']) await granted(request(hamlet, 'set', publish(item(id))))
  assert.deepEqual(await kept(), ['b', 'c'])
  await granted(request(hamlet, 'set', publish(item('d'), item('e'))))
  assert.deepEqual(await kept(), ['d', 'e'])
  assert.equal(await refused(request(hamlet, 'set', publish(item('x'), item('y'), item('z')))), 'not-allowed max-items-exceeded')
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ publish_node_full: 'reject' })}</configure>`))
  assert.equal(await refused(request(hamlet, 'set', publish(item('f')))), 'conflict node-full')
  await granted(request(hamlet, 'set', publish(item('e', 'again'))))
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ max_items: '1' })}</configure>`))
  assert.deepEqual(await kept(), ['e'])
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ max_items: 'max' })}</configure>`))
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ publish_node_full: 'discard-oldest' })}</configure>`))
  await granted(request(hamlet, 'set', publish(item('g'))))
  assert.deepEqual(await kept(), ['e', 'g'])
})

test('taking back: subscribers are told if that is wished (XEP-0060 §7.2, §8.5)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create({ notify_retract: 'false' })))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  for (const id of ['a', 'b']) await granted(request(hamlet, 'set', publish(item(id))))
  for (const _ of 'ab') await francisco.receive(isEvent)
  await granted(request(hamlet, 'set', `<retract node="${NODE}"><item id="a"/></retract>`))
  await francisco.receiveNothing(isEvent)
  await granted(request(hamlet, 'set', `<retract node="${NODE}" notify="1"><item id="b"/></retract>`))
  assert.equal(inEvent(await francisco.receive(isEvent)).getChild('retract')?.attrs.id, 'b')
  assert.equal(await refused(request(hamlet, 'set', `<retract node="${NODE}"><item id="b"/></retract>`)), 'item-not-found')
  assert.equal(await refused(request(hamlet, 'set', `<retract node="${NODE}"/>`)), 'bad-request item-required')
  assert.equal(await refused(request(francisco, 'set', `<retract node="${NODE}"><item id="b"/></retract>`)), 'forbidden')
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ notify_retract: 'true' })}</configure>`))
  await granted(request(hamlet, 'set', publish(item('c'))))
  await francisco.receive(isEvent)
  await granted(own(hamlet, 'set', `<purge node="${NODE}"/>`))
  assert.equal(inEvent(await francisco.receive(isEvent)).getName(), 'purge')
  assert.deepEqual(ids(await granted(request(francisco, 'get', `<items node="${NODE}"/>`))), [])
  await granted(own(hamlet, 'set', `<delete node="${NODE}"><redirect uri="xmpp:hamlet@test?;node=blog"/></delete>`))
  const deleted = inEvent(await francisco.receive(isEvent))
  assert.equal(deleted.getName(), 'delete')
  assert.equal(deleted.getChild('redirect')?.attrs.uri, 'xmpp:hamlet@test?;node=blog')
  assert.equal(await refused(request(hamlet, 'get', `<items node="${NODE}"/>`)), 'item-not-found')
})

test('configuration: the form, the defaults, changes, and who hears of them (XEP-0060 §8.2, §8.3)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  const created = (await granted(request(hamlet, 'set', '<create/><configure/>')))?.getChild('create')?.attrs.node
  assert.ok(created, 'an instant node has an id')
  await granted(request(hamlet, 'set', create({ title: 'Musings', notify_config: '1' })))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  const fields = async (inner: string) => {
    const answer = await granted(own(hamlet, 'get', inner))
    const x = answer && childElements(answer)[0]?.getChild('x', NS.dataForm)
    return new Map(x?.getChildren('field').map((it) => [String(it.attrs.var), it.getChildText('value')]))
  }
  assert.equal((await fields('<default/>')).get('pubsub#access_model'), 'open')
  assert.equal((await fields(`<configure node="${NODE}"/>`)).get('pubsub#title'), 'Musings')
  await granted(own(hamlet, 'set', `<configure node="${NODE}"><x xmlns="jabber:x:data" type="cancel"/></configure>`))
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ title: 'More', max_items: '7' })}</configure>`))
  const now = await fields(`<configure node="${NODE}"/>`)
  assert.deepEqual([now.get('FORM_TYPE'), now.get('pubsub#title'), now.get('pubsub#max_items')], [NS.pubsubNodeConfig, 'More', '7'])
  const told = inEvent(await francisco.receive(isEvent))
  assert.equal(told.getName(), 'configuration')
  assert.equal(told.attrs.node, NODE)
  const bad: [string, string][] = [
    [form({ access_model: 'secret' }), 'not-acceptable'],
    [form({ max_items: '0' }), 'not-acceptable'],
    [form({ persist_items: 'perhaps' }), 'not-acceptable'],
    [form({ nothing: '1' }), 'not-acceptable'],
    [form({}, 'urn:other'), 'bad-request'],
    ['', 'bad-request'],
  ]
  for (const [submitted, condition] of bad) {
    assert.equal(await refused(own(hamlet, 'set', `<configure node="${NODE}">${submitted}</configure>`)), condition, submitted)
  }
  for (const inner of [`<configure node="${NODE}"/>`, `<subscriptions node="${NODE}"/>`, `<affiliations node="${NODE}"/>`]) {
    assert.equal(await refused(own(francisco, 'get', inner)), 'forbidden')
  }
  assert.equal(await refused(own(francisco, 'set', `<delete node="${NODE}"/>`)), 'forbidden')
  assert.equal(await refused(own(hamlet, 'set', '<delete node="nothing"/>')), 'item-not-found')
  assert.equal(await refused(own(hamlet, 'set', '<delete/>')), 'bad-request nodeid-required')
  assert.equal(await refused(request(hamlet, 'set', create())), 'conflict')
})

test('affiliations: who may publish, read, and is shut out (XEP-0060 §4.1, §8.9)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco, bard] = [await server.login('hamlet'), await server.login('francisco'), await server.login('bard')]
  await granted(request(hamlet, 'set', create()))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  assert.equal(await refused(request(bard, 'set', publish(item('a')))), 'forbidden')
  const affiliate = (...entries: [jid: string, affiliation: string][]) =>
    own(
      hamlet,
      'set',
      `<affiliations node="${NODE}">${entries.map(([jid, it]) => `<affiliation jid="${jid}" affiliation="${it}"/>`).join('')}</affiliations>`,
    )
  await granted(affiliate(['bard@test', 'publisher'], ['francisco@test', 'outcast']))
  const ended = inEvent(await francisco.receive(isEvent))
  assert.equal(`${ended.getName()} ${ended.attrs.subscription}`, 'subscription none')
  await granted(request(bard, 'set', publish(item('a'))))
  assert.equal(await refused(request(francisco, 'get', `<items node="${NODE}"/>`)), 'forbidden')
  assert.equal(await refused(request(francisco, 'set', subscribe('francisco@test'))), 'forbidden')
  await granted(request(hamlet, 'set', publish(item('b'))))
  assert.equal(await refused(request(bard, 'set', `<retract node="${NODE}"><item id="b"/></retract>`)), 'forbidden')
  await granted(request(bard, 'set', `<retract node="${NODE}"><item id="a"/></retract>`))
  const listed = (await granted(own(hamlet, 'get', `<affiliations node="${NODE}"/>`)))?.getChild('affiliations')
  assert.deepEqual(
    listed &&
      childElements(listed)
        .map((it) => `${it.attrs.jid} ${it.attrs.affiliation}`)
        .sort(),
    ['bard@test publisher', 'francisco@test outcast', 'hamlet@test owner'],
  )
  const mine = (await granted(request(bard, 'get', '<affiliations/>')))?.getChild('affiliations')?.getChild('affiliation')
  assert.deepEqual([mine?.attrs.node, mine?.attrs.affiliation], [NODE, 'publisher'])
  assert.equal(await refused(affiliate(['hamlet@test', 'none'])), 'not-acceptable')
  assert.equal(await refused(affiliate(['bard@test', 'king'])), 'not-acceptable')
  assert.equal(await refused(affiliate(['bard@test', 'none'], ['bard@test', 'member'])), 'bad-request')
  assert.equal(await refused(affiliate(['@', 'none'])), 'bad-request invalid-jid')
  await granted(affiliate(['bard@test', 'publish-only']))
  await granted(request(bard, 'set', publish(item('c'))))
  assert.equal(await refused(request(bard, 'get', `<items node="${NODE}"/>`)), 'forbidden')
})

test('access models: whitelist by affiliation, authorize by an owner’s word (XEP-0060 §4.5, §8.6, §8.8)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create({ access_model: 'whitelist' })))
  assert.equal(await refused(request(francisco, 'set', subscribe('francisco@test'))), 'not-allowed closed-node')
  await granted(own(hamlet, 'set', `<affiliations node="${NODE}"><affiliation jid="francisco@test" affiliation="member"/></affiliations>`))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  await granted(own(hamlet, 'set', `<delete node="${NODE}"/>`))
  await francisco.receive(isEvent)
  await granted(request(hamlet, 'set', create({ access_model: 'authorize' })))
  assert.equal(await refused(request(francisco, 'get', `<items node="${NODE}"/>`)), 'not-authorized not-subscribed')
  const pending = (await granted(request(francisco, 'set', subscribe('francisco@test'))))?.getChild('subscription')
  assert.equal(pending?.attrs.subscription, 'pending')
  assert.equal(await refused(request(francisco, 'set', subscribe('francisco@test'))), 'not-authorized pending-subscription')
  const question = await hamlet.receive((el) => el.getName() === 'message' && findChild(el, 'x', NS.dataForm) !== undefined)
  assert.equal(question.attrs.from, 'pubsub.test')
  const answer = form({ node: NODE, subscriber_jid: 'francisco@test', allow: 'true' }, NS.pubsubSubscribeAuthorization)
  francisco.send(`<message to="pubsub.test" id="${question.attrs.id}">${answer}</message>`)
  assert.equal(errorCondition(await francisco.receive('message')), 'forbidden')
  hamlet.send(`<message to="pubsub.test" id="${question.attrs.id}">${answer}</message>`)
  const approved = inEvent(await francisco.receive(isEvent))
  assert.equal(approved.attrs.subscription, 'subscribed')
  await granted(request(francisco, 'get', `<items node="${NODE}"/>`))
  await granted(own(hamlet, 'set', `<subscriptions node="${NODE}"><subscription jid="francisco@test" subscription="none"/></subscriptions>`))
  assert.equal(inEvent(await francisco.receive(isEvent)).attrs.subscription, 'none')
  const left = (await granted(own(hamlet, 'get', `<subscriptions node="${NODE}"/>`)))?.getChild('subscriptions')
  assert.deepEqual(left && childElements(left), [])
})

test('what an item must be is what the node says (XEP-0060 §4.3, §7.1.3)', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  await granted(request(hamlet, 'set', create({ type: ENTRY, max_payload_size: '200' })))
  assert.equal(await refused(request(hamlet, 'set', publish())), 'bad-request item-required')
  assert.equal(await refused(request(hamlet, 'set', publish('<item id="a"/>'))), 'bad-request payload-required')
  assert.equal(await refused(request(hamlet, 'set', publish('<item><a xmlns="urn:a"/></item>'))), 'bad-request invalid-payload')
  assert.equal(await refused(request(hamlet, 'set', publish('<item><a xmlns="urn:a"/><b xmlns="urn:b"/></item>'))), 'bad-request invalid-payload')
  assert.equal(await refused(request(hamlet, 'set', publish(item('a', 'x'.repeat(300))))), 'not-acceptable payload-too-big')
  assert.equal(await refused(request(hamlet, 'set', publish(item('a'.repeat(101))))), 'not-acceptable')
  assert.equal(await refused(request(hamlet, 'set', '<publish><item/></publish>')), 'bad-request nodeid-required')
  assert.equal(await refused(request(hamlet, 'set', '<publish node="nothing"><item><a xmlns="urn:a"/></item></publish>')), 'item-not-found')
  assert.equal(await refused(request(hamlet, 'set', create(undefined, 'n'.repeat(101)))), 'not-acceptable')
  assert.equal(await refused(request(hamlet, 'set', '<dance/>')), 'bad-request')
  assert.equal(
    await refused(request(hamlet, 'get', `<options node="${NODE}" jid="hamlet@test"/>`)),
    'feature-not-implemented unsupported subscription-options',
  )
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ persist_items: '0', deliver_payloads: '0' })}</configure>`))
  await granted(request(hamlet, 'set', subscribe('hamlet@test')))
  assert.equal(await refused(request(hamlet, 'set', publish(item('a')))), 'bad-request item-forbidden')
  await granted(request(hamlet, 'set', publish()))
  assert.deepEqual(inEvent(await hamlet.receive(isEvent)).children, [])
  assert.equal(await refused(request(hamlet, 'get', `<items node="${NODE}"/>`)), 'feature-not-implemented unsupported persistent-items')
})

test('a new subscriber gets the last item if the node says so, and again whenever it comes (XEP-0060 §6.1.7)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create({ send_last_published_item: 'on_sub_and_presence', itemreply: 'publisher' })))
  await granted(request(hamlet, 'set', publish(item('a'))))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  const event = await francisco.receive(isEvent)
  assert.equal(inEvent(event).getChild('item')?.attrs.publisher, 'hamlet@test')
  assert.ok(findChild(event, 'delay', NS.delay))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  await francisco.receiveNothing(isEvent)
  await francisco.close()
  const again = await server.login('francisco')
  assert.equal(inEvent(await again.receive(isEvent)).getChild('item')?.attrs.id, 'a')
  assert.equal(await refused(request(again, 'set', subscribe('bard@test'))), 'bad-request invalid-jid')
})

test('discovery: the server lists the service, the service its nodes, a node its items (XEP-0060 §5)', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  await granted(request(hamlet, 'set', create({ title: 'Musings' })))
  await granted(request(hamlet, 'set', create({ access_model: 'whitelist' }, 'secret')))
  await granted(request(hamlet, 'set', publish(item('a'))))
  const ask = async (client: TestClient, to: string, namespace: string, node = '') =>
    findChild(await client.request(`<iq type="get" to="${to}"><query xmlns="${namespace}" ${node && `node="${node}"`}/></iq>`), 'query', namespace)
  const services = await ask(hamlet, 'test', NS.discoItems)
  assert.deepEqual(services && childElements(services).map((it) => it.attrs.jid), ['pubsub.test'])
  const info = await ask(hamlet, 'pubsub.test', NS.discoInfo)
  assert.deepEqual([info?.getChild('identity')?.attrs.category, info?.getChild('identity')?.attrs.type], ['pubsub', 'service'])
  assert.ok(info?.getChildren('feature').some((it) => it.attrs.var === `${NS.pubsub}#access-open`))
  const bard = await server.login('bard')
  const nodes = await ask(bard, 'pubsub.test', NS.discoItems)
  assert.deepEqual(nodes && childElements(nodes).map((it) => `${it.attrs.node} ${it.attrs.name}`), [`${NODE} Musings`])
  const items = await ask(bard, 'pubsub.test', NS.discoItems, NODE)
  assert.deepEqual(items && childElements(items).map((it) => `${it.attrs.jid} ${it.attrs.name}`), ['pubsub.test a'])
  const meta = await ask(bard, 'pubsub.test', NS.discoInfo, NODE)
  assert.equal(meta?.getChild('identity')?.attrs.type, 'leaf')
  const form = meta?.getChild('x', NS.dataForm)
  assert.equal(
    form
      ?.getChildren('field')
      .find((it) => it.attrs.var === 'pubsub#creator')
      ?.getChildText('value'),
    'hamlet@test',
  )
  const missing = await bard.request(`<iq type="get" to="pubsub.test"><query xmlns="${NS.discoInfo}" node="secret"/></iq>`)
  assert.equal(errorCondition(missing), 'item-not-found')
})

test('publish models: publishers, subscribers, or everybody (XEP-0060 §7.1.3.1, §16.4.4)', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create({ publish_model: 'subscribers' })))
  assert.equal(await refused(request(francisco, 'set', publish(item('a')))), 'forbidden')
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  await granted(request(francisco, 'set', publish(item('a'))))
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ publish_model: 'open' })}</configure>`))
  await granted(request(await server.login('bard'), 'set', publish(item('b'))))
})

test('the presence and roster models ask the rosters of the owners (XEP-0060 §4.5)', async (t) => {
  const server = await start(t)
  const [hamlet, horatio] = [await server.login('hamlet'), await server.login('horatio')]
  await granted(request(hamlet, 'set', create({ access_model: 'presence' })))
  assert.equal(await refused(request(horatio, 'set', subscribe('horatio@test'))), 'not-authorized presence-subscription-required')
  horatio.send('<presence type="subscribe" to="hamlet@test"/>')
  await hamlet.receive((el) => el.getName() === 'presence' && el.attrs.type === 'subscribe')
  hamlet.send('<presence type="subscribed" to="horatio@test"/>')
  await hamlet.sync()
  await granted(request(horatio, 'set', subscribe('horatio@test')))
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${form({ access_model: 'roster', roster_groups_allowed: 'Friends' })}</configure>`))
  assert.equal(inEvent(await horatio.receive(isEvent)).attrs.subscription, 'none')
  assert.equal(await refused(request(horatio, 'get', `<items node="${NODE}"/>`)), 'not-authorized not-in-roster-group')
  await hamlet.request('<iq type="set"><query xmlns="jabber:iq:roster"><item jid="horatio@test"><group>Friends</group></item></query></iq>')
  await granted(request(horatio, 'get', `<items node="${NODE}"/>`))
})

test('an owner subscribes others, who are told (XEP-0060 §8.8.2, §12.10)', async (t) => {
  const server = await start(t)
  const [hamlet, bard] = [await server.login('hamlet'), await server.login('bard')]
  await granted(request(hamlet, 'set', create()))
  const set = (...entries: [jid: string, state: string][]) =>
    own(
      hamlet,
      'set',
      `<subscriptions node="${NODE}">${entries.map(([jid, it]) => `<subscription jid="${jid}" subscription="${it}"/>`).join('')}</subscriptions>`,
    )
  await granted(set(['bard@test', 'subscribed']))
  assert.equal(inEvent(await bard.receive(isEvent)).attrs.subscription, 'subscribed')
  await granted(request(hamlet, 'set', publish(item('a'))))
  await bard.receive(isEvent)
  assert.equal(await refused(set(['bard@test', 'unconfigured'])), 'not-acceptable')
  assert.equal(await refused(set(['bard@test', 'none'], ['bard@test', 'subscribed'])), 'bad-request')
  assert.equal(await refused(set()), 'bad-request')
})

test('items expire after the time that the node gives them (XEP-0060 §16.4.4)', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  await granted(request(hamlet, 'set', create({ item_expire: '3600' })))
  for (const id of ['a', 'b']) await granted(request(hamlet, 'set', publish(item(id))))
  const table = () => server.database.forPlugin('test').knex('ofPubsubItem')
  await table().where({ id: 'a' }).update({ creationDate: '000000000000001' })
  assert.deepEqual(ids(await granted(request(hamlet, 'get', `<items node="${NODE}"/>`))), ['b'])
  await granted(request(hamlet, 'set', publish(item('c'))))
  assert.deepEqual(
    (await table().select('id').orderBy('id')).map((it: { id: string }) => it.id),
    ['b', 'c'],
  )
})

test('a request says one thing (XEP-0060 §18.1)', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  assert.equal(await refused(request(hamlet, 'set', create() + create(undefined, 'other'))), 'bad-request')
  assert.equal(await refused(request(hamlet, 'set', `<create node="${NODE}"/><configure node="${NODE}"/>`)), 'bad-request')
  assert.equal(await refused(request(hamlet, 'set', publish(item('a')) + create())), 'bad-request')
  assert.equal(await refused(request(hamlet, 'set', '')), 'bad-request')
  assert.equal(await refused(request(hamlet, 'get', `<items node="${NODE}"/>`)), 'item-not-found', 'nothing was made')
})

test('who goes for good takes the nodes along that nobody else owns, and subscribers are told', async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  await granted(request(hamlet, 'set', create()))
  await granted(request(hamlet, 'set', create(undefined, 'shared')))
  await granted(own(hamlet, 'set', '<affiliations node="shared"><affiliation jid="francisco@test" affiliation="owner"/></affiliations>'))
  await granted(request(francisco, 'set', subscribe('francisco@test')))
  await server.accounts.remove('hamlet')
  assert.equal(inEvent(await francisco.receive(isEvent)).getName(), 'delete')
  const left = (await granted(request(francisco, 'get', '<affiliations/>')))?.getChild('affiliations')
  assert.deepEqual(left && childElements(left).map((it) => it.attrs.node), ['shared'])
})
