/** Client state indication (XEP-0352) with the plugins whose stanzas wait, over sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import carbons from '../../plugins/carbons/index.js'
import csi from '../../plugins/csi/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const plugins = [roster, presence, offlineStorage, carbons, ping, csi]

const state = (name: 'active' | 'inactive') => element(name, { xmlns: NS.csi })
const chatState = (name: string) => `<message to="juliet@test/phone" type="chat"><${name} xmlns="${NS.chatStates}"/></message>`
const status = (text: string) => `<presence to="juliet@test/phone"><status>${text}</status></presence>`
/** What a stanza says, in a word. */
const gist = (el: Element): string =>
  el.getChildText('body') ?? el.getChildText('status') ?? (el.children[0] as Element | undefined)?.getName() ?? el.getName()

async function romeoAndJuliet(t: TestScope, options: TestServerOptions = { plugins }) {
  const server = await startTestServer(t, options)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'phone' })
  return { server, romeo, juliet }
}

/** The client says that nobody is looking, and the server has heard it: nothing it gets after this is asked for by an iq of its own. */
async function deactivate(juliet: TestClient): Promise<void> {
  juliet.send(state('inactive'))
  await juliet.sync()
}

async function tell(romeo: TestClient, ...stanzas: readonly string[]): Promise<void> {
  for (const it of stanzas) romeo.send(it)
  await romeo.sync()
}

/** What comes next, as gists, up to the message with this body. */
async function upTo(juliet: TestClient, body: string): Promise<string[]> {
  const gists: string[] = []
  do gists.push(gist(await juliet.receive(() => true)))
  while (gists.at(-1) !== body)
  return gists
}

const BODY = (text: string) => `<message to="juliet@test/phone" type="chat"><body>${text}</body></message>`

test('the feature is offered after login, beside binding (§4.1)', async (t) => {
  const server = await startTestServer(t, { plugins })
  await server.accounts.create({ username: 'romeo', password: 'romeo' })
  const stream = await server.connect()
  await stream.open()
  await stream.authenticate('PLAIN', 'romeo', 'romeo')
  const features = await stream.open()
  assert.ok(features.getChild('csi', NS.csi))
})

test('presence and chat states wait for what cannot, and come before it, the latest alone, in order', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await deactivate(juliet)
  await tell(romeo, status('away'), chatState('composing'), status('back'), chatState('paused'))
  await tell(romeo, BODY('hello'), status('gone'), BODY('again'))
  assert.deepEqual(await upTo(juliet, 'again'), ['back', 'paused', 'hello', 'gone', 'again'])
})

test('nothing that waits is written before', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await deactivate(juliet)
  const before = juliet.received.length
  await tell(romeo, status('away'), chatState('composing'))
  assert.equal(juliet.received.length, before)
})

test('active brings all that waits before the answer to the next request (§5.1), and nothing waits any more', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  await deactivate(juliet)
  await tell(romeo, status('away'), chatState('composing'))
  juliet.send(state('active'))
  juliet.send('<iq type="get" id="p" to="test"><ping xmlns="urn:xmpp:ping"/></iq>')
  const came = [await juliet.receive(() => true), await juliet.receive(() => true), await juliet.receive(() => true)]
  assert.deepEqual(came.map(gist), ['away', 'composing', 'iq'])
  await tell(romeo, status('here'))
  assert.equal(gist(await juliet.receive('presence')), 'here')
})

test('either state may be told twice, and a client that is active all the time is left alone', async (t) => {
  const { romeo, juliet } = await romeoAndJuliet(t)
  juliet.send(state('active'))
  juliet.send(state('active'))
  await deactivate(juliet)
  await tell(romeo, status('one'))
  juliet.send(state('inactive'))
  juliet.send(state('active'))
  assert.equal(gist(await juliet.receive('presence')), 'one')
})

test('a client hears nothing else of its state, and other elements in the namespace end the stream', async (t) => {
  const { juliet } = await romeoAndJuliet(t)
  await deactivate(juliet)
  juliet.send('<idle xmlns="urn:xmpp:csi:0"/>')
  const { error } = await juliet.closed
  assert.match(String(error), /unsupported-stanza-type/)
})

test('when too much waits, all is sent', async (t) => {
  const config = { plugins: { settings: { csi: { mostHeld: 2 } } } }
  const { server, romeo, juliet } = await romeoAndJuliet(t, { plugins, config })
  const senders = [romeo, await server.login('romeo'), await server.login('romeo')]
  await deactivate(juliet)
  for (const [at, sender] of senders.entries()) await tell(sender, status(`from ${at}`))
  for (const at of senders.keys()) assert.equal(gist(await juliet.receive('presence')), `from ${at}`)
})

test('what waits is no longer there when the session ends, and messages were never held', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t)
  await deactivate(juliet)
  await tell(romeo, chatState('composing'), BODY('kept'), chatState('paused'))
  assert.deepEqual(await upTo(juliet, 'kept'), ['composing', 'kept'])
  await juliet.close()
  const again = await server.login('juliet', { resource: 'phone' })
  await again.receiveNothing('message')
})

test('a resumed stream begins active: what waited comes after the resumption, once (§5.2, XEP-0198)', async (t) => {
  const { server, romeo, juliet } = await romeoAndJuliet(t)
  juliet.send('<enable xmlns="urn:xmpp:sm:3" resume="true"/>')
  const { id } = (await juliet.receive('enabled')).attrs
  const before = juliet.received.length
  await deactivate(juliet)
  await tell(romeo, status('away'), chatState('composing'))
  const stanzas = juliet.received.slice(before).filter((it) => ['iq', 'presence', 'message'].includes(it.getName())).length
  juliet.drop()
  await tell(romeo, status('back'))
  const stream = await server.connect()
  await stream.open()
  await stream.authenticate('PLAIN', 'juliet', 'juliet')
  await stream.open()
  stream.send(`<resume xmlns="urn:xmpp:sm:3" previd="${id}" h="${stanzas}"/>`)
  await stream.receive('resumed')
  assert.equal(gist(await stream.receive('message')), 'composing')
  assert.equal(gist(await stream.receive('presence')), 'back')
  await tell(romeo, status('at once'))
  assert.equal(gist(await stream.receive('presence')), 'at once')
})
