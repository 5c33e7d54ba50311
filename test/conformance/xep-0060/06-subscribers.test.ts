/** Subscribing and retrieving items (XEP-0060 §6). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { create, granted, ids, inEvent, isEvent, item, NODE, own, publish, refused, request, start, subscribe } from '../support/pubsub-service.js'

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

test("an item bears its publisher's bare JID, unless the node says that it does not (XEP-0060 §7.1.2.3, §12.15)", async (t) => {
  const server = await start(t)
  const [hamlet, francisco] = [await server.login('hamlet'), await server.login('francisco')]
  for (const [config, publisher] of [
    [{}, 'hamlet@test'],
    [{ itemreply: 'none' }, undefined],
    [{ itemreply: 'publisher' }, 'hamlet@test'],
  ] as const) {
    await granted(request(hamlet, 'set', create(config)))
    await granted(request(francisco, 'set', subscribe('francisco@test')))
    await granted(request(hamlet, 'set', publish(item('a'))))
    const event = await francisco.receive(isEvent)
    assert.equal(inEvent(event).getChild('item')?.attrs.publisher, publisher)
    await granted(own(hamlet, 'set', `<delete node="${NODE}"/>`))
    await francisco.receive(isEvent)
  }
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
