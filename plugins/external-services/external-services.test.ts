/** Credentials over time, on a clock that the test moves; what is told and asked is in test/conformance/xep-0215.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient } from '@beaconfire/plugin-sdk/testing'
import externalServices from './index.js'

const TURN = { type: 'turn', host: 'turn.test', secret: 'north', lifetimeSeconds: 600 }

test('credentials are of the user who asks, and last from then as long as is configured', async (t) => {
  const server = await startTestServer(t, {
    plugins: [externalServices],
    database: 'memory',
    clock: new Date('2026-01-01T00:00:00Z'),
    config: { plugins: { settings: { 'external-services': { services: [TURN] } } } },
  })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const credentials = async (client: TestClient) => {
    const answer = await client.request(`<iq type='get' to='test'><services xmlns='${NS.externalServices}'/></iq>`)
    const [service] = childElements(answer.getChild('services') ?? answer)
    return [service?.attrs.username, service?.attrs.expires, service?.attrs.password] as const
  }
  const begin = Date.parse('2026-01-01T00:10:00Z') / 1000
  const [name, expires, password] = await credentials(romeo)
  assert.deepEqual([name, expires], [`${begin}:romeo`, '2026-01-01T00:10:00.000Z'])
  const [hers, , herPassword] = await credentials(juliet)
  assert.deepEqual([hers, herPassword === password], [`${begin}:juliet`, false])
  await server.clock.jump(60_000)
  const [later, , other] = await credentials(romeo)
  assert.deepEqual([later, other === password], [`${begin + 60}:romeo`, false])
})
