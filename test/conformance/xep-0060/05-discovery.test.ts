/** What the service shows of itself and its nodes (XEP-0060 §5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestClient } from '@beaconfire/plugin-sdk/testing'
import { create, granted, item, NODE, publish, request, start } from '../support/pubsub-service.js'

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
