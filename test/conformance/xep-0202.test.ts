/** XEP-0202 and, for old clients, XEP-0090: the time of the server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild } from '@beaconfire/plugin-sdk'
import ping from '../../plugins/ping/index.js'
import time from '../../plugins/time/index.js'
import { openStage } from './support/stage.js'

const stage = await openStage({ plugins: [ping, time] })

test('the time is told in UTC, to the second, with the offset of the zone (§2)', async () => {
  const client = await stage.login({ available: false })
  const before = Math.floor(Date.now() / 1000) * 1000
  const told = findChild(await client.request('<iq type="get" to="test"><time xmlns="urn:xmpp:time"/></iq>'), 'time', 'urn:xmpp:time')
  assert.match(told?.getChildText('tzo') ?? '', /^(Z|[+-]\d\d:\d\d)$/)
  const utc = told?.getChildText('utc') ?? ''
  assert.match(utc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.ok(Date.parse(utc) >= before && Date.parse(utc) <= Date.now())
})

test('old clients get the old form (XEP-0090 §2)', async () => {
  const client = await stage.login({ available: false })
  const told = findChild(await client.request('<iq type="get" to="test"><query xmlns="jabber:iq:time"/></iq>'), 'query', 'jabber:iq:time')
  assert.match(told?.getChildText('utc') ?? '', /^\d{8}T\d\d:\d\d:\d\d$/)
})

test('the time of a client is asked of that client (§3)', async () => {
  const [client, target] = [await stage.login({ available: false }), await stage.login({ available: false })]
  const answer = client.request(`<iq type="get" to="${target.jid}"><time xmlns="urn:xmpp:time"/></iq>`)
  const { attrs } = await target.receive('iq')
  target.send(`<iq type="result" id="${attrs.id}" to="${attrs.from}"><time xmlns="urn:xmpp:time"><tzo>Z</tzo></time></iq>`)
  assert.equal((await answer).attrs.from, target.jid.toString())
})

test('what is set, or of another name, is refused', async () => {
  const client = await stage.login({ available: false })
  for (const iq of ['<iq type="set" to="test"><time xmlns="urn:xmpp:time"/></iq>', '<iq type="get" to="test"><clock xmlns="urn:xmpp:time"/></iq>']) {
    assert.equal((await client.request(iq)).attrs.type, 'error')
  }
})
