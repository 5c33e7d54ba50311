/** That ping comes and goes with the plugin; what is answered how is in test/conformance/xep-0199.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { element, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'
import { featuresOf } from '../../test/conformance/support/contacts.js'
import ping from './index.js'

test('the server answers and offers pings as long as the plugin is there', async (t) => {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', 'disco', ping], database: 'memory' })
  const romeo = await server.login('romeo')
  const pinged = () => romeo.request(element('iq', { type: 'get', to: 'test' }, element('ping', { xmlns: NS.ping })))
  const isOffered = async () => (await featuresOf(romeo)).includes(NS.ping)
  assert.deepEqual([(await pinged()).attrs.type, await isOffered()], ['result', true])
  await server.plugins.unload('ping')
  assert.deepEqual([errorCondition(await pinged()), await isOffered()], ['service-unavailable', false])
  await server.plugins.reload('ping')
  assert.deepEqual([(await pinged()).attrs.type, await isOffered()], ['result', true])
})
