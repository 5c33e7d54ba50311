/** The time that has passed, on a clock that the test moves; who may ask for it is in test/conformance/xep-0012.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'
import { befriend, interested, says } from '../../test/conformance/support/contacts.js'
import lastActivity from './index.js'

test('seconds are counted from when the last resource went, and begin anew with the next', async (t) => {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', lastActivity], database: 'memory', clock: 'virtual' })
  const [romeo, juliet] = [await interested(await server.login('romeo')), await interested(await server.login('juliet'))]
  await befriend(romeo, juliet)
  const ask = () => romeo.request("<iq type='get' to='juliet@test'><query xmlns='jabber:iq:last'/></iq>")
  const seconds = async () => findChild(await ask(), 'query', NS.lastActivity)?.attrs.seconds
  const other = await server.login('juliet')
  await says(juliet, "<presence type='unavailable'/>")
  await juliet.close()
  await server.clock.jump(60_000)
  assert.equal(await seconds(), '0', 'another resource is there')
  await says(other, "<presence type='unavailable'/>")
  await other.close()
  await server.clock.jump(90_999)
  assert.equal(await seconds(), '90')
  const back = await server.login('juliet')
  assert.equal(await seconds(), '0')
  await back.close({ unavailable: true })
  await server.clock.jump(5000)
  assert.equal(await seconds(), '5')
})

test('what was known of an account goes with it', async (t) => {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', lastActivity], database: 'memory' })
  const juliet = await server.login('juliet')
  await says(juliet, "<presence type='unavailable'><status>Home</status></presence>")
  const ask = (it: typeof juliet) => it.request("<iq type='get'><query xmlns='jabber:iq:last'/></iq>")
  assert.match(String(await ask(juliet)), />Home</)
  await server.accounts.remove('juliet')
  assert.equal(errorCondition(await ask(await server.login('juliet', { available: false }))), 'item-not-found')
})
