/** Who says that hints are obeyed; that they are is in test/conformance/xep-0334.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import { featuresOf } from '../../test/conformance/support/contacts.js'
import messageHints from './index.js'

test('the server says that hints are obeyed, not the account, and only while the plugin is there', async (t) => {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', 'disco', messageHints], database: 'memory' })
  const romeo = await server.login('romeo')
  const told = async () => [(await featuresOf(romeo)).includes(NS.hints), (await featuresOf(romeo, 'romeo@test')).includes(NS.hints)]
  assert.deepEqual(await told(), [true, false])
  await server.plugins.unload('message-hints')
  assert.deepEqual(await told(), [false, false])
})
