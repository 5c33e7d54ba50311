/** Whom the version is told by; what it is, in test/conformance/xep-0092.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'
import { featuresOf } from '../../test/conformance/support/contacts.js'
import version from './index.js'

const VERSION = 'jabber:iq:version'

test('the server offers to tell its version, and tells it of itself alone', async (t) => {
  const server = await startTestServer(t, { plugins: ['roster', 'presence', 'disco', version], database: 'memory' })
  const romeo = await server.login('romeo')
  const ask = (to: string, type = 'get', content = '') =>
    romeo.request(`<iq type='${type}' to='${to}'><query xmlns='${VERSION}'>${content}</query></iq>`)
  assert.ok((await featuresOf(romeo)).includes(VERSION))
  const query = (await ask('test')).getChild('query', VERSION)
  assert.match(query?.getChildText('version') ?? '', /^\d+\.\d+\.\d+/)
  assert.equal(errorCondition(await ask('romeo@test')), 'service-unavailable')
  assert.equal(errorCondition(await ask('test', 'set', '<version>99</version>')), 'service-unavailable')
})
