/** Private data over sockets (XEP-0049 §2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import privateStorage from './index.js'

const start = (t: TestScope, settings = {}) =>
  startTestServer(t, { plugins: [privateStorage], config: { plugins: { settings: { 'private-storage': settings } } } })
const ask = (client: TestClient, type: 'get' | 'set', content: string, to = '') =>
  client.request(`<iq type="${type}" id="1" ${to && `to="${to}"`}><query xmlns="jabber:iq:private">${content}</query></iq>`)

/** What is stored, as XML. */
async function stored(client: TestClient, wanted: string): Promise<string | undefined> {
  const answer = await ask(client, 'get', wanted)
  assert.equal(answer.attrs.type, 'result')
  return findChild(answer, 'query', NS.privateStorage)?.children.join('')
}

test('an element is stored under its name and namespace, and the next one takes its place', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  assert.equal((await ask(hamlet, 'set', '<exodus xmlns="exodus:prefs"><nick>Ham &amp; Let</nick></exodus>')).attrs.type, 'result')
  await ask(hamlet, 'set', '<exodus xmlns="exodus:other"/>')
  await ask(hamlet, 'set', '<exodus xmlns="exodus:prefs"><nick>Hamlet</nick></exodus>', 'hamlet@test')
  const other = await server.login('hamlet')
  assert.equal(await stored(other, '<exodus xmlns="exodus:prefs"/>'), '<exodus xmlns="exodus:prefs"><nick>Hamlet</nick></exodus>')
})

test('what was never stored is answered with the empty element', async (t) => {
  const server = await start(t)
  const [hamlet, ophelia] = [await server.login('hamlet'), await server.login('ophelia')]
  await ask(hamlet, 'set', '<storage xmlns="storage:bookmarks"><url url="http://a"/></storage>')
  assert.equal(await stored(ophelia, '<storage xmlns="storage:bookmarks"/>'), '<storage xmlns="storage:bookmarks"/>')
})

test('one request may store several elements', async (t) => {
  const hamlet = await (await start(t)).login('hamlet')
  await ask(hamlet, 'set', '<a xmlns="urn:x">1</a><b xmlns="urn:x">2</b>')
  assert.equal(await stored(hamlet, '<a xmlns="urn:x"/>'), '<a xmlns="urn:x">1</a>')
  assert.equal(await stored(hamlet, '<b xmlns="urn:x"/>'), '<b xmlns="urn:x">2</b>')
})

test('an element whose prefixes are declared around it keeps its meaning', async (t) => {
  const hamlet = await (await start(t)).login('hamlet')
  await hamlet.request('<iq type="set" id="1"><query xmlns="jabber:iq:private" xmlns:x="urn:x"><x:a><x:b/></x:a></query></iq>')
  const answer = await ask(hamlet, 'get', '<a xmlns="urn:x"/>')
  const a = findChild(findChild(answer, 'query', NS.privateStorage) ?? answer, 'a', 'urn:x')
  assert.ok(a && findChild(a, 'b', 'urn:x'), String(answer))
})

test("another's data, and a request to the server, are forbidden, whether there is such an account or not (§2.3)", async (t) => {
  const server = await start(t)
  const [hamlet, ophelia] = [await server.login('hamlet'), await server.login('ophelia')]
  await ask(hamlet, 'set', '<a xmlns="urn:x">1</a>')
  for (const to of ['hamlet@test', 'nobody@test', 'test']) {
    for (const type of ['get', 'set'] as const) assert.equal(errorCondition(await ask(ophelia, type, '<a xmlns="urn:x"/>', to)), 'forbidden')
  }
  assert.equal(await stored(hamlet, '<a xmlns="urn:x"/>'), '<a xmlns="urn:x">1</a>')
})

test('a request that names nothing, too much or a reserved namespace is refused whole (§2.3, §3)', async (t) => {
  const hamlet = await (await start(t)).login('hamlet')
  const refused: readonly [type: 'get' | 'set', content: string, condition: string][] = [
    ['get', '', 'bad-request'],
    ['get', '<a xmlns="urn:x"/><a xmlns="urn:y"/>', 'not-acceptable'],
    ['get', '<a/>', 'not-acceptable'],
    ['set', '', 'not-acceptable'],
    ['set', 'text', 'not-acceptable'],
    ['set', '<a xmlns="urn:x"/><a/>', 'not-acceptable'],
    ['set', '<a xmlns="urn:x"/><vCard xmlns="vcard-temp"/>', 'not-acceptable'],
    ['set', '<a xmlns="urn:x"/><query xmlns="jabber:iq:roster"/>', 'not-acceptable'],
    ['set', '<a xmlns="urn:x"/><x xmlns="http://jabber.org/protocol/muc"/>', 'not-acceptable'],
    ['set', `<a xmlns="urn:x"/><${'a'.repeat(101)} xmlns="urn:x"/>`, 'not-acceptable'],
    ['set', `<a xmlns="urn:x"/><a xmlns="${'x'.repeat(201)}"/>`, 'not-acceptable'],
    ['set', `<a xmlns="urn:x"/><b xmlns="urn:x">${'ü'.repeat(40_000)}</b>`, 'policy-violation'],
  ]
  for (const [type, content, condition] of refused) {
    assert.equal(errorCondition(await ask(hamlet, type, content)), condition, `${type} ${content.slice(0, 60)}`)
  }
  assert.equal(await stored(hamlet, '<a xmlns="urn:x"/>'), '<a xmlns="urn:x"/>')
})

test('elements beyond the limit are refused, while those that are there can be replaced', async (t) => {
  const hamlet = await (await start(t, { maxElements: 2 })).login('hamlet')
  await ask(hamlet, 'set', '<a xmlns="urn:x"/><b xmlns="urn:x"/>')
  assert.equal(errorCondition(await ask(hamlet, 'set', '<a xmlns="urn:x">new</a><c xmlns="urn:x">new</c>')), 'resource-constraint')
  assert.equal(await stored(hamlet, '<a xmlns="urn:x"/>'), '<a xmlns="urn:x"/>')
  await ask(hamlet, 'set', '<a xmlns="urn:x">new</a>')
  assert.equal(await stored(hamlet, '<a xmlns="urn:x"/>'), '<a xmlns="urn:x">new</a>')
})

test('private data goes with its account', async (t) => {
  const server = await start(t)
  const hamlet = await server.login('hamlet')
  await ask(hamlet, 'set', '<a xmlns="urn:x">1</a>')
  await server.accounts.remove('hamlet')
  await hamlet.closed
  assert.equal(await stored(await server.login('hamlet'), '<a xmlns="urn:x"/>'), '<a xmlns="urn:x"/>')
})
