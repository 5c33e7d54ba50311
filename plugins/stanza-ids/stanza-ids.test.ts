/** Who says that there are ids, and ids without an archive; whose ids are where is in test/conformance/xep-0359.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { stanzaId } from '../../test/conformance/support/archive.js'
import { featuresOf } from '../../test/conformance/support/contacts.js'
import stanzaIds from './index.js'

async function people(t: TestScope) {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', 'disco', stanzaIds], database: 'memory' })
  return { server, romeo: await server.login('romeo'), juliet: await server.login('juliet', { resource: 'balcony' }) }
}

test('the server says that there are ids, and an account to its owner, not to a stranger', async (t) => {
  const { romeo } = await people(t)
  const tell = async (to: string) => (await featuresOf(romeo, to)).includes(NS.stanzaIds)
  assert.deepEqual([await tell('test'), await tell('romeo@test'), await tell('juliet@test')], [true, true, false])
})

test('each message has an id of its own where there is no archive, and none when the plugin has gone', async (t) => {
  const { server, romeo, juliet } = await people(t)
  const ids = async () => {
    for (const body of ['a', 'b']) romeo.send(`<message to='${juliet.jid}' type='chat'><body>${body}</body></message>`)
    return [await juliet.receive('message'), await juliet.receive('message')].map((it) => stanzaId(it, 'juliet@test'))
  }
  const given = await ids()
  assert.equal(new Set(given.filter(Boolean)).size, 2)
  await server.plugins.unload('stanza-ids')
  assert.deepEqual(await ids(), [undefined, undefined])
})
