import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import type { Item, Node } from './node.js'
import { accountDefaults, type NodeConfig, serviceDefaults } from './node-config.js'
import { PubsubStore } from './pubsub-store.js'
import { tables } from './tables.js'

const JULIET = 'juliet@test'
const DEFAULTS = accountDefaults(1000)

function node(id: string, config: Partial<NodeConfig> = {}): Node {
  return {
    id,
    creator: JULIET,
    createdAt: 1_700_000_000_000,
    config: { ...DEFAULTS, ...config },
    affiliations: new Map([[JULIET, 'owner']]),
    subscriptions: new Map(),
    lastItem: null,
    lastPublishedAt: 0,
    itemCount: 0,
  }
}
const item = (id: string, publishedAt: number, payload = `<a xmlns="urn:a">${id} 💡</a>`): Item => ({
  id,
  publisher: `${JULIET}/x`,
  publishedAt,
  payload,
})

onBothEngines((newStore, client) => {
  const open = async (t: TestContext) => {
    const database = await (await newStore(t)).open()
    await database.migrate('pubsub', tables)
    const plugin = database.forPlugin('pubsub')
    return { database, store: new PubsubStore(plugin, (id) => (id === 'pubsub' ? serviceDefaults(1000) : DEFAULTS)), knex: plugin.knex }
  }

  test('a node comes back as it was stored, with all of its configuration', async (t) => {
    const { store } = await open(t)
    const whole: Partial<NodeConfig> = {
      title: 'Tune '.repeat(40),
      description: 'What plays',
      type: 'urn:tune',
      language: 'en',
      contacts: ['nurse@test'],
      rosterGroups: ['Friends', 'Family'],
      accessModel: 'roster',
      publishModel: 'open',
      persistItems: false,
      maxItems: 'max',
      whenFull: 'reject',
      itemExpire: 3600,
      maxPayloadSize: 77,
      deliverNotifications: false,
      deliverPayloads: false,
      notificationType: 'normal',
      notifyConfig: true,
      notifyDelete: false,
      notifyRetract: false,
      presenceBasedDelivery: true,
      sendLast: 'on_sub',
      subscriptionsAllowed: false,
      itemReply: 'publisher',
    }
    const made = node('tune', whole)
    made.affiliations.set('romeo@test', 'publish-only').set('tybalt@test', 'outcast')
    await store.create(JULIET, JULIET, made)
    await store.create(JULIET, JULIET, node('Tune'))
    await store.saveSubscription(JULIET, 'tune', { id: 's1', jid: Jid.parse('romeo@test/x'), state: 'pending' })
    const loaded = (await store.load([JULIET, 'nobody@test'])).get(JULIET)
    assert.deepEqual([...(loaded?.keys() ?? [])].sort(), ['Tune', 'tune'])
    const found = loaded?.get('tune')
    assert.deepEqual(
      { ...found?.config, rosterGroups: [...(found?.config.rosterGroups ?? [])].sort() },
      { ...made.config, rosterGroups: ['Family', 'Friends'] },
    )
    assert.deepEqual(found?.affiliations, made.affiliations)
    assert.equal(found?.createdAt, made.createdAt)
    assert.equal(found?.subscriptions.get('romeo@test/x')?.state, 'pending')
    await store.configure(JULIET, 'tune', DEFAULTS)
    assert.deepEqual((await store.load([JULIET])).get(JULIET)?.get('tune')?.config, DEFAULTS)
  })

  test('when the last item is sent is told from the same column as Openfire does, for accounts and for the service', async (t) => {
    const { store, knex } = await open(t)
    await store.create(JULIET, JULIET, node('a', { sendLast: 'on_sub_and_presence' }))
    await store.create('pubsub', '', node('a', { sendLast: 'on_sub' }))
    await store.create('pubsub', '', node('b', { sendLast: 'on_sub_and_presence' }))
    const rows = await knex('ofPubsubNode').select('serviceID', 'nodeID', 'sendItemSubscribe', 'leaf').orderBy(['serviceID', 'nodeID'])
    assert.deepEqual(
      rows.map((it) => [it.serviceID, it.nodeID, it.sendItemSubscribe, it.leaf]),
      [
        [JULIET, 'a', 1, 1],
        [JULIET, JULIET, 1, 0],
        ['pubsub', '', 1, 0],
        ['pubsub', 'a', 1, 1],
        ['pubsub', 'b', 2, 1],
      ],
    )
    assert.deepEqual(
      [...((await store.load(['pubsub'])).get('pubsub')?.values() ?? [])].map((it) => it.config.sendLast),
      ['on_sub', 'on_sub_and_presence'],
    )
  })

  test('items are replaced, taken back, counted, and found the oldest first', async (t) => {
    const { store } = await open(t)
    await store.create(JULIET, JULIET, node('tune'))
    await store.publish(JULIET, 'tune', [item('a', 1), item('b', 2), item('c', 3)], [])
    await store.publish(JULIET, 'tune', [item('a', 4, '<a xmlns="urn:a"/>')], ['b'])
    assert.deepEqual(
      (await store.itemIds(JULIET, 'tune')).map((it) => it.id),
      ['c', 'a'],
    )
    assert.deepEqual(
      (await store.itemIds(JULIET, 'tune', 1)).map((it) => it.id),
      ['c'],
    )
    assert.equal(await store.countItems(JULIET, 'tune'), 2)
    assert.deepEqual(await store.newest(JULIET, 'tune'), item('a', 4, '<a xmlns="urn:a"/>'))
    assert.deepEqual([...(await store.items(JULIET, 'tune', ['c', 'b'])).values()], [item('c', 3)])
    assert.deepEqual([...(await store.existing(JULIET, 'tune', ['a', 'b']))], ['a'])
    await store.retract(JULIET, 'tune', ['a'])
    assert.equal((await store.newest(JULIET, 'tune'))?.id, 'c')
    await store.purge(JULIET, 'tune')
    assert.equal(await store.newest(JULIET, 'tune'), undefined)
  })

  test('an account leaves nothing: neither its nodes nor what it was at others', async (t) => {
    const { store, knex } = await open(t)
    await store.create(JULIET, JULIET, node('tune', { rosterGroups: ['Friends'], contacts: [JULIET], whenFull: 'reject' }))
    await store.publish(JULIET, 'tune', [item('a', 1)], [])
    const theirs = node('news')
    theirs.affiliations.clear()
    theirs.affiliations.set('romeo@test', 'owner').set(JULIET, 'member')
    await store.create('romeo@test', 'romeo@test', theirs)
    await store.saveSubscription('romeo@test', 'news', { id: 's', jid: Jid.parse(`${JULIET}/x`), state: 'subscribed' })
    await store.deleteAccount(JULIET)
    const left = (await store.load([JULIET, 'romeo@test'])).get('romeo@test')?.get('news')
    assert.deepEqual([...(left?.affiliations ?? [])], [['romeo@test', 'owner']])
    assert.equal(left?.subscriptions.size, 0)
    for (const [table] of [['ofPubsubItem'], ['ofPubsubNodeGroups'], ['ofPubsubNodeJIDs'], ['ofPubsubNodeProp']]) {
      assert.deepEqual(await knex(String(table)).select('*'), [], `${client}: ${table}`)
    }
    await store.deleteNode('romeo@test', 'news')
    assert.equal((await store.load(['romeo@test'])).size, 0)
  })
})
