/** What the operator may allow, and the end of the plugin; what is converted how is in test/conformance/xep-0398.test.ts. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import avatars from './index.js'

const IMAGE = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const base64 = IMAGE.toString('base64')
const id = createHash('sha1').update(IMAGE).digest('hex')

async function juliet(t: TestScope, settings: object = {}) {
  const server = await startTestServer(t, {
    plugins: ['roster', 'presence', 'disco', 'caps', 'pubsub', 'vcard', avatars],
    database: 'memory',
    config: { plugins: { settings: { avatars: settings } } },
  })
  return { server, client: await server.login('juliet') }
}

/** Publishes for contacts alone, as nodes of an account are unless it says otherwise. */
async function publishAvatar(client: TestClient): Promise<void> {
  for (const [node, payload] of [
    [NS.avatarData, `<data xmlns='${NS.avatarData}'>${base64}</data>`],
    [NS.avatarMetadata, `<metadata xmlns='${NS.avatarMetadata}'><info bytes='${IMAGE.length}' id='${id}' type='image/png'/></metadata>`],
  ]) {
    const publish = `<publish node='${node}'><item id='${id}'>${payload}</item></publish>`
    assert.equal((await client.request(`<iq type='set'><pubsub xmlns='${NS.pubsub}'>${publish}</pubsub></iq>`)).attrs.type, 'result')
  }
}
const vcardOf = async (client: TestClient) => String(await client.request("<iq type='get'><vCard xmlns='vcard-temp'/></iq>"))
const published = async (client: TestClient) =>
  String(await client.request(`<iq type='get'><pubsub xmlns='${NS.pubsub}'><items node='${NS.avatarData}'/></pubsub></iq>`))

test('an avatar for contacts alone is put into the vCard where the operator allows that, and else not', async (t) => {
  for (const openOnly of [true, false]) {
    const { client } = await juliet(t, { openOnly })
    await publishAvatar(client)
    assert.equal((await vcardOf(client)).includes(base64), !openOnly)
  }
})

test('without the plugin, and after it has gone, avatar and photo are two things', async (t) => {
  const { server, client } = await juliet(t, { openOnly: false })
  await server.plugins.unload('avatars')
  await publishAvatar(client)
  assert.ok(!(await vcardOf(client)).includes(base64))
  const other = Buffer.from('R0lGODlhAQABAAAAACw=').toString()
  await client.request(`<iq type='set'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>${other}</BINVAL></PHOTO></vCard></iq>`)
  assert.ok(!(await published(client)).includes(other))
})
