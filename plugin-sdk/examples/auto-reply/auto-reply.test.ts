import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertStanza, onMariaDb, startTestServer, type TestClient, type TestServer, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import autoReply from './index.js'
import { NODE } from './reply-command.js'

const API = '/api/v1/plugins/auto-reply'
const TEXT = 'On holiday.'
type Options = Omit<TestServerOptions, 'plugins'>
type Scope = Parameters<typeof startTestServer>[0]

const start = (t: Scope, settings: object = {}, { config, ...more }: Options = {}) =>
  startTestServer(t, {
    plugins: ['roster', 'presence', 'adhoc', 'privacy', autoReply],
    ...more,
    config: { ...config, plugins: { settings: { 'auto-reply': settings } } },
  })

const setReply = (server: TestServer, user: string, text = TEXT) => server.admin(`${API}/replies/${user}`, { method: 'PUT', json: { text } })

/** Both may see each other's presence. */
async function befriend(one: TestClient, other: TestClient): Promise<void> {
  for (const [asks, approves] of [
    [one, other],
    [other, one],
  ] as const) {
    asks.send(`<presence to="${approves.jid.bare()}" type="subscribe"/>`)
    await approves.receive((it) => it.getName() === 'presence' && it.attrs.type === 'subscribe')
    approves.send(`<presence to="${asks.jid.bare()}" type="subscribed"/>`)
    await approves.sync()
  }
}

/** Romeo and juliet, who knows him, has gone and has set a reply. */
async function away(t: Scope, settings: object = {}, options: Options = {}) {
  const server = await start(t, settings, options)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await befriend(romeo, juliet)
  await juliet.close({ unavailable: true })
  assert.equal((await setReply(server, 'juliet')).status, 200)
  const say = (content: string, attributes = 'type="chat"') => romeo.send(`<message to="juliet@test" ${attributes}>${content}</message>`)
  return { server, romeo, say }
}

const isReply = (it: { getName(): string; attrs: Record<string, unknown> }) => it.getName() === 'message' && it.attrs.type !== 'error'

/** The reply to a first message comes after all that were due before. */
async function noReplyBut(romeo: TestClient, say: (content: string) => void): Promise<void> {
  say('<body>now</body><thread>last</thread>')
  assert.equal((await romeo.receive(isReply)).getChildText('thread'), 'last')
  await romeo.receiveNothing(isReply)
}

test('who writes to somebody that is away gets the reply, once in the period, restart or not', async (t) => {
  const { server, romeo, say } = await away(t)
  say('<body>Wherefore?</body><thread>t1</thread>')
  const reply = await romeo.receive(isReply)
  assertStanza(
    reply,
    `<message from="juliet@test" to="${romeo.jid}" type="chat" id="${reply.attrs.id}"><body>${TEXT}</body><thread>t1</thread>
      <headers xmlns="http://jabber.org/protocol/shim"><header name="Auto-Submitted">auto-replied</header></headers></message>`,
  )
  say('<body>And now?</body>')
  await server.plugins.reload('auto-reply')
  await server.stop()
  const next = await start(t, {}, { config: { dataFolder: server.dataFolder } })
  const again = await next.login('romeo')
  again.send('<message to="juliet@test" type="chat"><body>And today?</body></message>')
  await again.sync()
  await next.plugins.reload('auto-reply') // which waits for replies under way
  await again.receiveNothing(isReply)
  await setReply(next, 'juliet', 'Still on holiday.')
  again.send('<message to="juliet@test"><body>And today?</body></message>')
  assert.equal((await again.receive(isReply)).getChildText('body'), 'Still on holiday.')
})

test('no reply to replies, copies, what is late or leaves no trace, rooms, headlines, errors and those that are ignored', async (t) => {
  const { romeo, say, server } = await away(t, { ignored: ['bot@test'] })
  const headers = (value: string) => `<headers xmlns="http://jabber.org/protocol/shim"><header name="Auto-Submitted">${value}</header></headers>`
  for (const more of [
    headers('auto-replied'),
    headers('auto-generated'),
    '<delay xmlns="urn:xmpp:delay" stamp="2020-01-01T00:00:00Z"/>',
    '<no-store xmlns="urn:xmpp:hints"/>',
    '<no-permanent-store xmlns="urn:xmpp:hints"/>',
    '<x xmlns="http://jabber.org/protocol/muc#user"/>',
  ]) {
    say(`<body>x</body>${more}`)
  }
  say('<active xmlns="http://jabber.org/protocol/chatstates"/>')
  for (const type of ['groupchat', 'headline', 'error']) say('<body>x</body>', `type="${type}"`)
  const bot = await server.login('bot')
  bot.send('<message to="juliet@test" type="chat"><body>x</body></message>')
  await noReplyBut(romeo, say)
  await bot.receiveNothing(isReply)
})

test('nobody who may not see the presence of an account learns that it is away', async (t) => {
  const { server, romeo, say } = await away(t)
  const paris = await server.login('paris')
  paris.send('<message to="juliet@test" type="chat"><body>x</body></message>')
  await paris.sync()
  await noReplyBut(romeo, say)
  await paris.receiveNothing(isReply)
})

test('who is there gets no help; who is busy does', async (t) => {
  const { server, romeo, say } = await away(t)
  const juliet = await server.login('juliet')
  say('<body>here?</body>')
  await juliet.receive('message')
  juliet.send('<presence><show>dnd</show></presence>')
  await juliet.sync()
  await noReplyBut(romeo, say)
})

test('two accounts that are both away do not answer each other', async (t) => {
  const { server, romeo, say } = await away(t)
  await setReply(server, 'romeo', 'Away, too.')
  romeo.send('<presence><show>away</show></presence>')
  const juliet = await server.login('juliet')
  juliet.send('<presence><show>away</show></presence>')
  await juliet.sync()
  say('<body>x</body>')
  assert.equal((await juliet.receive('message')).getChildText('body'), 'x')
  await romeo.receive(isReply)
  await server.plugins.reload('auto-reply') // which waits for replies under way
  await juliet.receiveNothing('message')
})

test('whom the account has blocked is not answered', async (t) => {
  const { server, romeo, say } = await away(t)
  const juliet = await server.login('juliet')
  const block = '<block xmlns="urn:xmpp:blocking"><item jid="romeo@test"/></block>'
  assert.equal((await juliet.request(`<iq type="set">${block}</iq>`)).attrs.type, 'result')
  await juliet.close({ unavailable: true })
  say('<body>x</body>')
  await romeo.sync()
  await server.plugins.reload('auto-reply')
  await romeo.receiveNothing(isReply)
})

test('people set their reply by a command, and it goes with the account', async (t) => {
  const server = await start(t, { contactsOnly: false, longestText: 20 })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const submit = async (text: string) => {
    const request = (action: string, more: string) =>
      juliet.request(
        `<iq type="set" to="test"><command xmlns="http://jabber.org/protocol/commands" node="${NODE}" action="${action}" ${more}</command></iq>`,
      )
    const session = (await request('execute', '>')).getChild('command')?.attrs.sessionid as string
    const form = `<x xmlns="jabber:x:data" type="submit"><field var="text"><value>${text}</value></field></x>`
    return request('complete', `sessionid="${session}">${form}`)
  }
  assert.match((await submit('x'.repeat(21))).toString(), /bad-request/)
  assert.match((await submit('Gone')).toString(), /The reply is set/)
  const shown = (await (await server.admin(`${API}/replies/JULIET`)).json()) as { text: string }
  assert.equal(shown.text, 'Gone')
  juliet.send('<presence><show>xa</show></presence>')
  await juliet.sync()
  romeo.send('<message to="juliet@test" type="chat"><body>x</body></message>')
  assert.equal((await romeo.receive(isReply)).getChildText('body'), 'Gone')
  assert.match((await submit('')).toString(), /Nobody gets a reply now/)
  const gone = async (method = 'GET') => (await server.admin(`${API}/replies/juliet`, { method })).status
  assert.deepEqual([await gone(), await gone('DELETE'), (await setReply(server, 'nobody')).status], [404, 404, 404])
  await setReply(server, 'juliet', 'x')
  await server.accounts.remove('juliet')
  assert.equal(await gone(), 404)
})

onMariaDb((newDatabase) => {
  test('one reply in the period', async (t) => {
    const { romeo, say } = await away(t, {}, { database: await newDatabase() })
    await noReplyBut(romeo, say)
    say('<body>again</body>')
    await romeo.receiveNothing(isReply)
  })
})
