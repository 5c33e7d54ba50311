/** Where contact addresses are told; which, in test/conformance/xep-0157.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import serverInfo from './index.js'

test('contact addresses are told by the server, and neither by accounts nor by nodes', async (t) => {
  const server = await startTestServer(t, {
    plugins: ['roster', 'presence', 'disco', serverInfo],
    database: 'memory',
    config: { plugins: { settings: { 'server-info': { abuse: ['mailto:abuse@test'] } } } },
  })
  const romeo = await server.login('romeo')
  const tells = async (to: string, node = '') =>
    String(await romeo.request(`<iq type='get' to='${to}'><query xmlns='http://jabber.org/protocol/disco#info' ${node}/></iq>`)).includes(
      'abuse@test',
    )
  assert.deepEqual([await tells('test'), await tells('romeo@test'), await tells('test', "node='urn:some'")], [true, false, false])
})
