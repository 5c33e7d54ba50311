/** What becomes of logins without SASL when the plugin goes; how they are made is in test/conformance/xep-0078.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, NS, parseElement } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, TestClient } from '@beaconfire/plugin-sdk/testing'
import iqAuth from './index.js'

test('who has logged in stays when the plugin goes, and nobody else can', async (t) => {
  const config = { plugins: { settings: { 'iq-auth': { enabled: true, withoutTls: true } } } }
  const server = await startTestServer(t, { plugins: [iqAuth], database: 'memory', config })
  await server.accounts.create({ username: 'bill', password: 'Calli0pe' })
  const logIn = async (resource: string) => {
    const stream = await server.connect()
    const isOffered = (await stream.open()).getChild('auth', NS.iqAuthFeature) !== undefined
    const fields = `<username>bill</username><password>Calli0pe</password><resource>${resource}</resource>`
    const answer = await stream.request(parseElement(`<iq type='set'><query xmlns='${NS.iqAuth}'>${fields}</query></iq>`))
    return { stream, isOffered, answer }
  }
  const first = await logIn('globe')
  assert.deepEqual([first.isOffered, first.answer.attrs.type], [true, 'result'])
  await server.plugins.unload('iq-auth')
  const second = await logIn('theatre')
  assert.deepEqual([second.isOffered, errorCondition(second.answer)], [false, 'not-authorized'])
  await new TestClient(first.stream, Jid.parse('bill@test/globe')).sync()
  assert.equal(server.sessions.count, 1)
})
