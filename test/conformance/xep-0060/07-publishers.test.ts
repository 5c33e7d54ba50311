/** Publishing and taking back (XEP-0060 §7). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  create,
  ENTRY,
  form,
  granted,
  ids,
  inEvent,
  isEvent,
  item,
  NODE,
  own,
  publish,
  refused,
  request,
  start,
  subscribe,
} from '../support/pubsub-service.js'

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
