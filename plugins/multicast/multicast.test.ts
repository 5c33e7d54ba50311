/** What outlives the plugin's version; how stanzas reach many is in test/conformance/xep-0033.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import { told } from '../../test/conformance/support/contacts.js'
import multicast from './index.js'

test('over a reload it is remembered whom presence has reached: they hear when the sender goes', async (t) => {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', multicast], database: 'memory' })
  const [romeo, juliet, nurse] = [await server.login('romeo'), await server.login('juliet'), await server.login('nurse')]
  const addresses = ['juliet@test', 'nurse@test'].map((jid) => `<address type='to' jid='${jid}'/>`).join('')
  romeo.send(`<presence to='test'><addresses xmlns='http://jabber.org/protocol/address'>${addresses}</addresses></presence>`)
  await romeo.sync()
  for (const client of [juliet, nurse]) assert.deepEqual(await told(client), [`available ${romeo.jid}`])
  await server.plugins.reload('multicast')
  romeo.send("<presence type='unavailable'/>")
  await romeo.sync()
  for (const client of [juliet, nurse]) assert.deepEqual(await told(client), [`unavailable ${romeo.jid}`])
})
