/** Entity capabilities (XEP-0115, XEP-0390): the server learns them from presence, and shows its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CapabilitiesService,
  childElements,
  definePlugin,
  type Element,
  findChild,
  hashOfInfo,
  infoQuery,
  legacyHashOfInfo,
  NS,
  parseElement,
} from '@beaconfire/plugin-sdk'
import { startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import caps from '../../plugins/caps/index.js'
import disco from '../../plugins/disco/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const CLIENT = { category: 'client', type: 'pc', name: 'Balcony' }
const info = (...features: string[]) => infoQuery(undefined, { identities: [CLIENT], features })
const isQuestion = (el: Element) => el.getName() === 'iq' && el.attrs.type === 'get' && el.getChild('query', NS.discoInfo) !== undefined
const shown = (query: Element) => `<c xmlns="${NS.legacyCaps}" hash="sha-1" node="urn:balcony" ver="${legacyHashOfInfo(query, 'sha-1')}"/>`

interface Learned {
  readonly server: TestServer
  /** `user: features` of every change, in order. */
  readonly changes: string[]
  of(client: TestClient): readonly string[]
}

async function start(t: TestScope, plugin = caps): Promise<Learned> {
  const changes: string[] = []
  let service: CapabilitiesService | undefined
  const watcher = definePlugin({
    name: 'watcher',
    version: '1.0.0',
    requires: ['capabilities'],
    setup({ services }) {
      service = services.capabilities
      return { start: () => void service?.onChange(({ session, features }) => void changes.push(`${session.jid.local}: ${[...features].join(' ')}`)) }
    },
  })
  const server = await startTestServer(t, { plugins: [roster, presence, disco, plugin, watcher] })
  return {
    server,
    changes,
    of(client) {
      const session = server.sessions.get(client.jid)
      return session && service ? [...service.of(session as Parameters<CapabilitiesService['of']>[0])] : []
    },
  }
}

async function answer(client: TestClient, query: Element): Promise<Element> {
  const question = await client.receive(isQuestion, 'a question for features')
  const reply = parseElement(query.toString())
  reply.attrs.node = question.getChild('query', NS.discoInfo)?.attrs.node
  client.send(`<iq type="result" id="${question.attrs.id}" to="${question.attrs.from}">${reply}</iq>`)
  await client.sync()
  return question
}

test('a client is asked once for a hash, and the next that shows it is known at once (XEP-0115 §8.1)', async (t) => {
  const { server, changes, of } = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const can = info('urn:a', 'urn:b+notify')
  romeo.send(`<presence>${shown(can)}</presence>`)
  const question = await answer(romeo, can)
  assert.equal(question.attrs.from, 'romeo@test')
  assert.equal(question.getChild('query', NS.discoInfo)?.attrs.node, `urn:balcony#${legacyHashOfInfo(can, 'sha-1')}`)
  juliet.send(`<presence>${shown(can)}</presence>`)
  await juliet.sync()
  await juliet.receiveNothing(isQuestion)
  assert.deepEqual(changes, ['romeo: urn:a urn:b+notify', 'juliet: urn:a urn:b+notify'])
  juliet.send(`<presence><show>away</show>${shown(can)}</presence>`)
  juliet.send('<presence/>')
  await juliet.receiveNothing(isQuestion)
  assert.deepEqual(of(juliet), ['urn:a', 'urn:b+notify'])
  assert.equal(changes.length, 2)
})

test('who waits for the same hash is told when the answer comes, or asked when it is wrong', async (t) => {
  const { server, changes } = await start(t)
  const [liar, romeo, juliet] = [await server.login('liar'), await server.login('romeo'), await server.login('juliet')]
  const can = info('urn:a')
  for (const client of [liar, romeo, juliet]) {
    client.send(`<presence>${shown(can)}</presence>`)
    await client.sync()
  }
  await juliet.receiveNothing(isQuestion)
  await answer(liar, info('urn:lie'))
  assert.deepEqual(changes, ['liar: urn:lie'])
  await answer(romeo, can)
  assert.deepEqual(changes, ['liar: urn:lie', 'romeo: urn:a', 'juliet: urn:a'])
})

test('an answer that only looks right is believed of nobody else: features written as a form or an identity', async (t) => {
  const { server, of } = await start(t)
  const can = info('urn:a', 'urn:z+notify')
  const forged = [
    `<query xmlns="${NS.discoInfo}"><identity category="client" type="pc" name="Balcony"/><feature var="urn:a"/><x xmlns="jabber:x:data" type="result">
      <field var="FORM_TYPE" type="hidden"><value>urn:z+notify</value></field></x></query>`,
    `<query xmlns="${NS.discoInfo}"><identity category="client" type="pc" name="Balcony"/><feature var="urn:a&lt;urn:z+notify"/></query>`,
  ].map((it) => parseElement(it))
  for (const [i, query] of forged.entries()) {
    assert.equal(legacyHashOfInfo(query, 'sha-1'), legacyHashOfInfo(can, 'sha-1'), 'the forgery has the hash of what it copies')
    const liar = await server.login(`liar${i}`)
    liar.send(`<presence>${shown(can)}</presence>`)
    await answer(liar, query)
  }
  const romeo = await server.login('romeo')
  romeo.send(`<presence>${shown(can)}</presence>`)
  await answer(romeo, can)
  assert.deepEqual(of(romeo), ['urn:a', 'urn:z+notify'])
})

test('the hashes of XEP-0390 come before those of XEP-0115', async (t) => {
  const { server, of } = await start(t)
  const romeo = await server.login('romeo')
  const can = info('urn:a')
  const hash = hashOfInfo(can, 'sha-256')
  romeo.send(`<presence>${shown(can)}<c xmlns="${NS.caps}"><hash xmlns="${NS.hashes}" algo="sha-256">${hash}</hash></c></presence>`)
  const question = await answer(romeo, can)
  assert.equal(question.getChild('query', NS.discoInfo)?.attrs.node, `urn:xmpp:caps#sha-256.${hash}`)
  assert.deepEqual(of(romeo), ['urn:a'])
})

test('one that cannot be checked counts for the client alone, and an error is no answer', async (t) => {
  const { server, of } = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send(`<presence><c xmlns="${NS.legacyCaps}" node="urn:old" ver="1.0"/></presence>`)
  await answer(romeo, info('urn:a'))
  assert.deepEqual(of(romeo), ['urn:a'])
  juliet.send(`<presence><c xmlns="${NS.legacyCaps}" node="urn:old" ver="1.0"/></presence>`)
  const question = await juliet.receive(isQuestion)
  juliet.send(`<iq type="error" id="${question.attrs.id}" to="${question.attrs.from}"/>`)
  await juliet.sync()
  assert.deepEqual(of(juliet), [])
})

test('a client that goes is forgotten, and the next that waits is asked in its place', async (t) => {
  const { server, of } = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const can = info('urn:a')
  romeo.send(`<presence>${shown(can)}</presence>`)
  await romeo.receive(isQuestion)
  juliet.send(`<presence>${shown(can)}</presence>`)
  await juliet.receiveNothing(isQuestion)
  romeo.send('<presence type="unavailable"/>')
  await answer(juliet, can)
  assert.deepEqual(of(juliet), ['urn:a'])
  assert.deepEqual(of(romeo), [])
})

test('the server shows its own in the stream features, and they match what it answers (XEP-0115 §6.3, XEP-0390 §5.1)', async (t) => {
  const { server } = await start(t)
  const romeo = await server.login('romeo')
  const stream = await server.connect()
  await stream.open()
  await stream.authenticate('PLAIN', 'romeo', 'romeo')
  const features = await stream.open()
  const legacy = findChild(features, 'c', NS.legacyCaps)
  const hash = findChild(features, 'c', NS.caps)?.getChild('hash', NS.hashes)?.getText()
  assert.ok(legacy && hash)
  const ask = (node: string) => romeo.request(`<iq type="get" to="test"><query xmlns="${NS.discoInfo}" ${node}/></iq>`)
  const query = findChild(await ask(''), 'query', NS.discoInfo)
  assert.ok(query)
  assert.equal(legacyHashOfInfo(query, 'sha-1'), legacy.attrs.ver)
  assert.equal(hashOfInfo(query, 'sha-256'), hash)
  for (const node of [`${legacy.attrs.node}#${legacy.attrs.ver}`, `urn:xmpp:caps#sha-256.${hash}`]) {
    const same = findChild(await ask(`node="${node}"`), 'query', NS.discoInfo)
    assert.equal(same?.attrs.node, node)
    assert.equal(same && childElements(same).length, childElements(query).length)
  }
})

test('a reload of the plugin asks nobody again, and whoever listens knows what clients can do', async (t) => {
  const { server, changes, of } = await start(t)
  const romeo = await server.login('romeo')
  romeo.send(`<presence>${shown(info('urn:a'))}</presence>`)
  await answer(romeo, info('urn:a'))
  await server.plugins.reload('caps')
  await romeo.sync()
  assert.deepEqual(of(romeo), ['urn:a'])
  assert.deepEqual(changes, ['romeo: urn:a'])
  await romeo.receiveNothing(isQuestion)
})

test('the plugin asks clients that were there before it, where no version before it knew them', async (t) => {
  const forgetful = definePlugin({
    ...caps,
    setup(context) {
      const { save: _, ...others } = caps.setup(context)
      return others
    },
  })
  const { server, of } = await start(t, forgetful)
  const romeo = await server.login('romeo')
  romeo.send(`<presence>${shown(info('urn:a'))}</presence>`)
  await answer(romeo, info('urn:a'))
  await server.plugins.reload('caps')
  await answer(romeo, info('urn:a'))
  assert.deepEqual(of(romeo), ['urn:a'])
})
