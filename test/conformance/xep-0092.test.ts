import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'
import version from '../../plugins/version/index.js'

const VERSION = 'jabber:iq:version'
const request = `<iq type="get" id="v" to="test"><query xmlns="${VERSION}"/></iq>`

test('the version is told, the operating system only where it is configured', async (t) => {
  for (const showSystem of [false, true]) {
    const server = await startTestServer(t, { plugins: [ping, version], config: { plugins: { settings: { version: { showSystem } } } } })
    const romeo = await server.login('romeo')
    const query = (await romeo.request(request)).getChild('query', VERSION)
    assert.equal(query?.getChildText('name'), 'Beaconfire')
    assert.equal(query?.getChild('os') !== undefined, showSystem)
  }
})
