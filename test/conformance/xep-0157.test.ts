import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, findChild, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import disco from '../../plugins/disco/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import serverInfo from '../../plugins/server-info/index.js'

const plugins = [roster, presence, disco, serverInfo]

async function formOf(t: TestScope, settings: object) {
  const server = await startTestServer(t, { plugins, config: { plugins: { settings: { 'server-info': settings } } } })
  const romeo = await server.login('romeo')
  const answer = await romeo.request('<iq type="get" to="test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  const query = findChild(answer, 'query', NS.discoInfo)
  return { server, form: query && findChild(query, 'x', NS.dataForm) }
}

test('the server tells the addresses that are configured, by concern (XEP-0157 §3)', async (t) => {
  const { form } = await formOf(t, { admin: ['mailto:xmpp@test', 'xmpp:admin@test?message;subject=a%20b'], status: ['https://status.test/'] })
  assert.ok(form)
  assert.equal(form.attrs.type, 'result')
  const fields = childElements(form).map((it) => [it.attrs.var, childElements(it).map((value) => value.getText())])
  assert.deepEqual(fields, [
    ['FORM_TYPE', ['http://jabber.org/network/serverinfo']],
    ['admin-addresses', ['mailto:xmpp@test', 'xmpp:admin@test?message;subject=a%20b']],
    ['status-addresses', ['https://status.test/']],
  ])
  assert.equal(childElements(form)[0]?.attrs.type, 'hidden')
})

test('without addresses there is no form', async (t) => {
  assert.equal((await formOf(t, {})).form, undefined)
})

test('what is no URI is told to the operator', async (t) => {
  const { server } = await formOf(t, { admin: ['admin@test'] })
  const status = server.plugins.find('server-info')
  assert.equal(status?.state, 'failed')
  assert.match(status.error ?? '', /admin/)
})
