import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'
import disco from '../disco/index.js'
import lastActivity from '../last-activity/index.js'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import uptime from './index.js'

const ask = '<iq type="get" to="test"><query xmlns="jabber:iq:last"/></iq>'

test('the server tells how long it has been running (XEP-0012 §5), with and without last activity of accounts', async (t) => {
  for (const plugins of [[uptime], [roster, presence, lastActivity, uptime]]) {
    const server = await startTestServer(t, { plugins })
    const before = Math.floor(process.uptime())
    const query = findChild(await (await server.login('romeo')).request(ask), 'query', NS.lastActivity)
    const seconds = Number(query?.attrs.seconds)
    assert.ok(seconds >= before && seconds <= process.uptime(), String(query))
    assert.deepEqual(query?.children, [])
  }
})

test('the feature is told, and nobody can set the time', async (t) => {
  const server = await startTestServer(t, { plugins: [roster, presence, disco, uptime] })
  const romeo = await server.login('romeo')
  const info = await romeo.request('<iq type="get" to="test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  assert.ok(childElements(info.getChild('query') ?? info).some((it) => it.attrs.var === NS.lastActivity))
  assert.equal(errorCondition(await romeo.request(ask.replace('get', 'set'))), 'service-unavailable')
})

test('operators find it among the metrics', async (t) => {
  const server = await startTestServer(t, { plugins: [uptime] })
  assert.match(await (await server.admin('/metrics')).text(), /^beaconfire_uptime_seconds \d+$/m)
})
