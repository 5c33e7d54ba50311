import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import ping from './index.js'

test('a ping to the server, or to no address, is answered with an empty result', async (t) => {
  const server = await startTestServer(t, { plugins: [ping] })
  const romeo = await server.login('romeo')
  for (const to of ['', 'to="test"']) {
    const answer = await romeo.request(`<iq type="get" id="ping" ${to}><ping xmlns="urn:xmpp:ping"/></iq>`)
    assert.equal(answer.attrs.type, 'result')
    assert.equal(answer.children.length, 0)
  }
})
