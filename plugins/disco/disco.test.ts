import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, findChild, NS } from '@beaconfire/plugin-sdk'
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
