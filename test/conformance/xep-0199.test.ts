/** XEP-0199: pings of a client to its server, its account and other clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition } from '@beaconfire/plugin-sdk/testing'
import disco from '../../plugins/disco/index.js'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import { openStage } from './support/stage.js'

const stage = await openStage({ plugins: [ping, roster, presence, disco] })
const PING = '<ping xmlns="urn:xmpp:ping"/>'

test('the server and the own account answer with an empty result (§4.2)', async () => {
  const client = await stage.login({ available: false })
  for (const to of ['', 'to="test"', `to="${client.jid.bare()}"`]) {
    const answer = await client.request(`<iq type="get" ${to}>${PING}</iq>`)
    assert.deepEqual([answer.attrs.type, answer.children.length], ['result', 0])
  }
})

test('a ping to a resource reaches its client, and one to a resource that is gone is answered with service-unavailable (§4.4)', async () => {
  const [client, target] = [await stage.login({ available: false }), await stage.login({ available: false })]
  const answer = client.request(`<iq type="get" to="${target.jid}">${PING}</iq>`)
  const { attrs } = await target.receive('iq')
  target.send(`<iq type="result" id="${attrs.id}" to="${attrs.from}"/>`)
  assert.equal((await answer).attrs.type, 'result')
  assert.equal(errorCondition(await client.request(`<iq type="get" to="${target.jid.bare()}/gone">${PING}</iq>`)), 'service-unavailable')
})

test("a ping to another's account says as little as one to an account that is not there (§8)", async () => {
  const [client, account] = [await stage.login({ available: false }), await stage.account()]
  const conditions = []
  for (const to of [account.toString(), 'nobody@test'])
    conditions.push(errorCondition(await client.request(`<iq type="get" to="${to}">${PING}</iq>`)))
  assert.deepEqual(conditions, ['service-unavailable', 'service-unavailable'])
})

test('a ping that is set, or has another name, is refused', async () => {
  const client = await stage.login({ available: false })
  for (const iq of [`<iq type="set" to="test">${PING}</iq>`, '<iq type="get" to="test"><pong xmlns="urn:xmpp:ping"/></iq>']) {
    assert.equal((await client.request(iq)).attrs.type, 'error')
  }
})

test('support is told by service discovery (§6)', async () => {
  const client = await stage.login({ available: false })
  const info = findChild(await client.request(`<iq type="get" to="test"><query xmlns="${NS.discoInfo}"/></iq>`), 'query', NS.discoInfo)
  assert.ok(info?.getChildren('feature').some((it) => it.attrs.var === 'urn:xmpp:ping'))
})
