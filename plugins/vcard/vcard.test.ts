/** vCards over sockets (XEP-0054 §3). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childText, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import vcard from './index.js'

const start = (t: TestScope, settings = {}) =>
  startTestServer(t, { plugins: [roster, presence, vcard], config: { plugins: { settings: { vcard: settings } } } })
const get = (client: TestClient, to = '') => client.request(`<iq type="get" id="get" ${to && `to="${to}"`}><vCard xmlns="vcard-temp"/></iq>`)
const set = (client: TestClient, content: string, to = '') =>
  client.request(`<iq type="set" id="set" ${to && `to="${to}"`}><vCard xmlns="vcard-temp">${content}</vCard></iq>`)

test('a vCard is stored whole by its owner and read by anyone (§3.1-§3.3)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  assert.equal((await set(juliet, '<FN>Juliet &amp; co</FN><N><GIVEN>Juliet</GIVEN></N><x:odd xmlns:x="urn:odd" x:a="1"/>')).attrs.type, 'result')
  assert.equal((await set(juliet, '<FN>Juliet Capulet</FN><ADR><HOME/></ADR>', 'juliet@test')).attrs.type, 'result')
  for (const answer of [await get(romeo, 'juliet@test'), await get(juliet), await get(juliet, 'juliet@test')]) {
    assert.equal(answer.attrs.type, 'result')
    const card = findChild(answer, 'vCard', NS.vcard)
    assert.equal(card?.toString(), '<vCard xmlns="vcard-temp"><FN>Juliet Capulet</FN><ADR><HOME/></ADR></vCard>')
  }
})

test('a vCard whose elements have prefixes is read as it was written', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  await juliet.request('<iq type="set" id="1" xmlns:v="vcard-temp"><v:vCard><v:FN>Juliet</v:FN></v:vCard></iq>')
  const card = findChild(await get(juliet), 'vCard', NS.vcard)
  assert.equal(card && childText(card, 'FN', NS.vcard), 'Juliet')
})

test('without a vCard the owner is told item-not-found, and others the same as for a name that nobody has (§3.1, §3.3)', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  await server.login('juliet')
  assert.equal(errorCondition(await get(romeo)), 'item-not-found')
  const [ofJuliet, ofNobody] = [await get(romeo, 'juliet@test'), await get(romeo, 'nobody@test')]
  assert.equal(errorCondition(ofJuliet), 'service-unavailable')
  assert.equal(ofJuliet.toString().replaceAll('juliet', 'nobody'), ofNobody.toString())
})

test("writing another's vCard is forbidden, whether there is such an account or not, and changes nothing (§3.2)", async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await set(juliet, '<FN>Juliet</FN>')
  for (const to of ['juliet@test', 'nobody@test']) assert.equal(errorCondition(await set(romeo, '<FN>Montague</FN>', to)), 'forbidden')
  assert.match(String(await get(juliet)), /<FN>Juliet<\/FN>/)
  assert.equal(errorCondition(await get(romeo)), 'item-not-found')
})

test('a vCard beyond the limit is refused with policy-violation, and the one before stays', async (t) => {
  const juliet = await (await start(t, { maxBytes: 1024 })).login('juliet')
  await set(juliet, '<FN>Juliet</FN>')
  assert.equal(errorCondition(await set(juliet, `<FN>${'ü'.repeat(500)}</FN>`)), 'policy-violation')
  assert.match(String(await get(juliet)), /<FN>Juliet<\/FN>/)
})

test('an element of the namespace that is no vCard, and a request to the server itself, are service-unavailable', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  assert.equal(errorCondition(await juliet.request('<iq type="set" id="1"><query xmlns="vcard-temp"/></iq>')), 'service-unavailable')
  assert.equal(errorCondition(await get(juliet, 'test')), 'service-unavailable')
})

test('the vCard goes with its account', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  await set(juliet, '<FN>Juliet</FN>')
  await server.accounts.remove('juliet')
  await juliet.closed
  assert.equal(errorCondition(await get(await server.login('juliet'))), 'item-not-found')
})
