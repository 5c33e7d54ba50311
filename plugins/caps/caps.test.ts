/** What outlives the plugin's version; how features are learned and proven is in test/conformance/xep-0115.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, infoQuery, isClientSession, legacyHashOfInfo, NS } from '@beaconfire/plugin-sdk'
import { serviceUser, startTestServer, type TestClient } from '@beaconfire/plugin-sdk/testing'
import caps from './index.js'

const info = infoQuery(undefined, { identities: [{ category: 'client', type: 'pc' }], features: ['urn:a', 'urn:b'] })
const shown = `<presence><c xmlns='${NS.legacyCaps}' hash='sha-1' node='urn:balcony' ver='${legacyHashOfInfo(info, 'sha-1')}'/></presence>`
const isQuestion = (el: Element) => el.getName() === 'iq' && el.attrs.type === 'get'

test('over a reload what was proven is known: nobody is asked again', async (t) => {
  const user = serviceUser('capabilities')
  const server = await startTestServer(t, { plugins: ['roster', 'presence', caps, user.plugin], database: 'memory' })
  const featuresOf = (client: TestClient) => {
    const session = server.sessions.get(client.jid)
    return session && isClientSession(session) ? [...user.services.capabilities.of(session)] : undefined
  }
  const [romeo, juliet] = [await server.login('romeo', { available: false }), await server.login('juliet', { available: false })]
  romeo.send(shown)
  const question = await romeo.receive(isQuestion)
  const answer = info.toString().replace('<query ', `<query node='${question.getChild('query')?.attrs.node}' `)
  romeo.send(`<iq type='result' id='${question.attrs.id}' to='test'>${answer}</iq>`)
  await romeo.sync()
  assert.deepEqual(featuresOf(romeo), ['urn:a', 'urn:b'])
  await server.plugins.reload('caps')
  juliet.send(shown)
  await juliet.sync()
  for (const client of [romeo, juliet]) {
    assert.deepEqual(featuresOf(client), ['urn:a', 'urn:b'])
    await client.receiveNothing(isQuestion)
  }
})
