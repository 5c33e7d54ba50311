import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { iq, message, parseStanza } from '@beaconfire/plugin-sdk'
import { errorCondition, onBothEngines, startTestServer, type TestServer, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import stanzaAudit from './index.js'
import { shownStanza } from './shown-stanza.js'
import { jidColumn, type NewStanza, StanzaStore } from './stanza-store.js'

const API = '/api/v1/plugins/stanza-audit'

interface Shown {
  readonly id: number
  readonly kind: string
  readonly type: string
  readonly from: string
  readonly to: string
  readonly stanzaId?: string
  readonly incoming: boolean
  readonly session: string
  readonly detail: string
}

const start = (t: Parameters<typeof startTestServer>[0], settings: object = {}, more: Omit<TestServerOptions, 'plugins'> = {}) =>
  startTestServer(t, { plugins: [stanzaAudit], ...more, config: { ...more.config, plugins: { settings: { 'stanza-audit': settings } } } })

async function stanzas(server: TestServer, query = ''): Promise<Shown[]> {
  const answer = await server.admin(`${API}/stanzas${query}`)
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { items: Shown[] }).items
}

test('every stanza is found again, by who sent or got it, kind, type, id and time', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  romeo.send(`<message to="juliet@test/b" type="chat" id="m1"><body>Wherefore?</body></message>`)
  romeo.send(`<message to="nobody@test" type="chat" id="m2"><body>lost</body></message>`)
  await juliet.receive('message')
  await romeo.sync()
  const [lost, said] = await stanzas(server, '?kind=message&type=chat')
  assert.deepEqual([lost?.stanzaId, lost?.to], ['m2', 'nobody@test'])
  assert.deepEqual(
    [said?.kind, said?.type, said?.from, said?.to, said?.stanzaId, said?.session, said?.incoming],
    ['message', 'chat', 'romeo@test', 'juliet@test', 'm1', 'romeo@test/a', true],
  )
  assert.equal(said?.detail, '<message to="juliet@test/b" type="chat" id="m1" from="romeo@test/a"><body>Wherefore?</body></message>')
  const kinds = async (query: string) => (await stanzas(server, query)).map((it) => it.kind)
  assert.deepEqual(await kinds('?user=romeo&kind=presence'), ['presence'])
  assert.deepEqual(await kinds('?user=juliet@test/b&kind=message'), ['message'])
  assert.deepEqual(await kinds('?stanzaId=m1'), ['message'])
  assert.deepEqual(await kinds(`?to=${new Date(0).toISOString()}`), [])
  assert.equal((await server.admin(`${API}/stanzas?user=${encodeURIComponent('a b@')}`)).status, 400)
  const lines = (await (await server.admin(`${API}/export?kind=message`)).text()).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as Shown).stanzaId),
    ['m2', 'm1'],
  )
})

test('each copy that was handed over is a row where that is wanted, and texts are left out', async (t) => {
  const server = await start(t, { outgoing: true, bodies: false, kinds: ['message'] })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send(`<message to="${juliet.jid}" id="m1"><body>tomb</body><subject>poison</subject></message>`)
  await juliet.receive('message')
  await romeo.sync()
  const rows = await stanzas(server)
  assert.deepEqual(
    rows.map((it) => [it.incoming, it.session]),
    [
      [false, juliet.jid.toString()],
      [true, romeo.jid.toString()],
    ],
  )
  for (const { detail } of rows) assert.match(detail, /<body>\[4 characters\]<\/body><subject>\[6 characters\]<\/subject>/)
})

test('a stanza that cannot be logged is not acknowledged: its sender is told', async (t) => {
  const server = await start(t, { kinds: ['message'] })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const fault = server.breakDatabase({ plugin: 'stanza-audit', fail: new Error('disk full') })
  romeo.send(`<message to="${juliet.jid}" id="m1"><body>x</body></message>`)
  const error = await romeo.receive('message')
  assert.deepEqual([error.attrs.type, error.attrs.id], ['error', 'm1'])
  assert.ok(errorCondition(error))
  fault.mend()
  romeo.send(`<message to="${juliet.jid}" id="m2"><body>x</body></message>`)
  await romeo.sync()
  assert.deepEqual(
    (await stanzas(server)).map((it) => it.stanzaId),
    ['m2'],
  )
  assert.match(await (await server.admin('/metrics')).text(), /^beaconfire_stanza_audit_write_failures_total 1$/m)
})

describe('what is kept of a stanza', () => {
  test('no password, wherever it stands', () => {
    const secret = (xml: string) => shownStanza(parseStanza(xml), true)
    const registration = '<iq type="set"><query xmlns="jabber:iq:register"><username>romeo</username><password>rose</password></query></iq>'
    assert.equal(secret(registration), registration.replace('rose', '[hidden]'))
    const form = '<iq type="set"><x xmlns="jabber:x:data"><field var="password-verify"><value>rose</value></field></x></iq>'
    assert.ok(!secret(form).includes('rose'), secret(form))
    const plain = '<message><body>the password is rose</body></message>'
    assert.equal(secret(plain), plain)
  })

  test('the stanza that travels on stays as it is', () => {
    const packet = message({ to: 'juliet@test' })
    packet.body = 'password'
    const before = packet.toString()
    shownStanza(packet, false)
    assert.equal(packet.toString(), before)
    assert.equal(shownStanza(iq({ type: 'get' }), false), '<iq type="get"/>')
  })
})

onBothEngines((newDatabase) => {
  const row = (at: number, sender: string, receiver: string): NewStanza => {
    return {
      at,
      kind: 'message',
      type: 'chat',
      sender,
      receiver,
      stanzaId: 'x'.repeat(300),
      incoming: 1,
      session: 's',
      address: '',
      detail: '<message/>',
    }
  }

  test('pages bring each row once and in order; what is too old or too much goes', async (t) => {
    const { database } = await start(t, {}, { database: await newDatabase() })
    const store = new StanzaStore(database.forPlugin('stanza-audit'))
    const refused = (error: unknown) => assert.fail(String(error))
    for (let i = 0; i < 20; i++) void store.append(row(1000 + Math.floor(i / 3), 'romeo@test', i % 2 ? 'juliet@test' : 'romeo@test'), refused)
    void store.append(row(1003, 'nurse@test', 'juliet@test'), refused)
    await store.whenIdle()
    const all: number[] = []
    for (
      let page = await store.read({ user: 'romeo@test' }, undefined, 6);
      page.length > 0;
      page = await store.read({ user: 'romeo@test' }, page.at(-1), 6)
    ) {
      all.push(...page.map((it) => it.id))
    }
    const sorted = all.toSorted((a, b) => b - a)
    assert.deepEqual([all.length, new Set(all).size, all], [20, 20, sorted])
    assert.equal((await store.read({ from: 1003, to: 1004 }, undefined, 100)).length, 4)
    assert.equal(await store.deleteBefore(1002), 6)
    assert.equal(await store.deleteBeyond(10), 5)
    assert.deepEqual([await store.count(), (await store.read({}, undefined, 100)).at(-1)?.at], [10, 1003])
  })
})

test('a JID too long for its column is still its own', () => {
  const [one, other] = ['a', 'b'].map((end) => jidColumn(`${'x'.repeat(1000)}${end}@test`))
  assert.equal(one?.length, 320)
  assert.notEqual(one, other)
})
