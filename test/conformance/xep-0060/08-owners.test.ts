/** What owners do (XEP-0060 §8). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition } from '@beaconfire/plugin-sdk/testing'
import { create, form, granted, inEvent, isEvent, item, NODE, own, publish, refused, request, start, subscribe } from '../support/pubsub-service.js'

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
  const whole = await own(hamlet, 'get', `<configure node="${NODE}"/>`)
  const sent = String(findChild(whole, 'pubsub', NS.pubsubOwner)?.getChild('configure')?.getChild('x')).replace('type="form"', 'type="submit"')
  await granted(own(hamlet, 'set', `<configure node="${NODE}">${sent}</configure>`))
  assert.deepEqual(await fields(`<configure node="${NODE}"/>`), now, 'the form as it came, with fields that are empty')
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
