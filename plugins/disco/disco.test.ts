import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, type DiscoveryProvider, definePlugin, element, findChild, Jid, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import ping from '../ping/index.js'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import disco from './index.js'

const start = (t: TestScope) => startTestServer(t, { plugins: [ping, roster, presence, disco] })
const query = (to: string, node = '') => `<iq type="get" id="d" to="${to}"><query xmlns="${NS.discoInfo}" ${node}/></iq>`

test('the server says what it is and what the running plugins can do', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  const found = findChild(await romeo.request(query('test')), 'query', NS.discoInfo)
  assert.ok(found)
  const features = childElements(found).flatMap((it) => (it.getName() === 'feature' ? [String(it.attrs.var)] : []))
  assert.ok(features.includes(NS.ping) && features.includes(NS.discoInfo))
  assert.equal(found.getChild('identity', NS.discoInfo)?.attrs.category, 'server')
})

test('an account answers itself, and nobody who may not see its presence (XEP-0030 section 8)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const own = findChild(await romeo.request(query('romeo@test')), 'query', NS.discoInfo)
  assert.equal(own?.getChild('identity', NS.discoInfo)?.attrs.category, 'account')
  assert.equal(errorCondition(await romeo.request(query('juliet@test'))), 'service-unavailable')
  romeo.send('<presence type="subscribe" to="juliet@test"/>')
  await juliet.receive('presence')
  juliet.send('<presence type="subscribed" to="romeo@test"/>')
  await juliet.sync()
  assert.equal((await romeo.request(query('juliet@test'))).attrs.type, 'result')
})

test('a node nobody knows is answered with item-not-found', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  assert.equal(errorCondition(await romeo.request(query('test', 'node="urn:nothing"'))), 'item-not-found')
})

const named = (name: string, discovery: DiscoveryProvider) => definePlugin({ name, version: '1.0.0', setup: () => ({ discovery }) })
const items = (to: string, node = '') => `<iq type="get" id="d" to="${to}"><query xmlns="${NS.discoItems}" ${node}/></iq>`

test('what plugins say of one entity is put together; a node is answered by the first that knows it', async (t) => {
  const room = Jid.parse('room@rooms.test')
  const form = element('x', { xmlns: NS.dataForm, type: 'result' })
  const first = named('first', {
    info: ({ node }) => (node === undefined ? { features: ['urn:a', 'urn:b'], forms: [form] } : undefined),
    items: ({ node }) => (node === 'urn:rooms' ? { items: [{ jid: room, name: 'Room' }] } : undefined),
  })
  const second = named('second', {
    info: ({ node, target }) => Promise.resolve(node === 'urn:rooms' || target === 'account' ? { features: ['urn:b', 'urn:c'] } : undefined),
    items: ({ node }) => ({ items: [{ jid: room, node: node ?? 'all' }] }),
  })
  const server = await startTestServer(t, { plugins: [roster, presence, disco, first, second] })
  const romeo = await server.login('romeo')
  const found = async (request: string, namespace: string) => {
    const answer = findChild(await romeo.request(request), 'query', namespace)
    return answer ? childElements(answer).map((it) => `${it.getName()} ${it.attrs.var ?? it.attrs.name ?? it.attrs.node ?? it.attrs.type}`) : []
  }
  const account = await found(query('romeo@test'), NS.discoInfo)
  assert.deepEqual(account.slice(-4), ['feature urn:a', 'feature urn:b', 'feature urn:c', 'x result'])
  assert.ok((await found(query('test'), NS.discoInfo)).includes('feature urn:a'))
  assert.deepEqual(await found(query('test', 'node="urn:rooms"'), NS.discoInfo), ['feature urn:b', 'feature urn:c'])
  assert.deepEqual(await found(items('test', 'node="urn:rooms"'), NS.discoItems), ['item Room'])
  assert.deepEqual(await found(items('test'), NS.discoItems), ['item all'])
})

test('a stranger that asks for a node of an account learns no more than of one that is not there', async (t) => {
  const server = await startTestServer(t, { plugins: [roster, presence, disco] })
  const [romeo] = [await server.login('romeo'), await server.login('juliet')]
  for (const to of ['juliet@test', 'nobody@test']) {
    assert.equal(errorCondition(await romeo.request(query(to, 'node="x"'))), 'service-unavailable')
    assert.equal(errorCondition(await romeo.request(items(to, 'node="x"'))), 'service-unavailable')
  }
})
