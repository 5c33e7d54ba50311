/** What ends while something is on its way: nothing that could be kept is lost, and nothing that is over lives on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { definePlugin, element, StanzaError } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

const BODY = 'x'.repeat(50_000)

/** A client on a bare socket: logged in and available, it reads nothing more and has not closed. */
async function deafClient(t: TestScope, server: TestServer, name: string): Promise<Socket> {
  await server.accounts.create({ username: name, password: name })
  const socket = connect(server.ports.c2s, '127.0.0.1')
  t.after(async () => void socket.destroy())
  const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='test' version='1.0'>`
  let seen = ''
  socket.on('data', (chunk: Buffer) => void (seen += chunk))
  const say = async (text: string, until: string) => {
    seen = ''
    socket.write(text)
    while (!seen.includes(until)) await once(socket, 'data')
  }
  await say(header, '</stream:features>')
  const plain = Buffer.from(`\0${name}\0${name}`).toString('base64')
  await say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`, '<success')
  await say(header, '</stream:features>')
  await say(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>deaf</resource></bind></iq>`, '</iq>')
  await say(`<presence/><iq type='get' id='s' to='test'><ping xmlns='urn:xmpp:ping'/></iq>`, `id="s"`)
  socket.pause()
  return socket
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

const deaf = (server: TestServer) => [...server.sessions.all()].find((it) => it.jid.resource === 'deaf')
const chat = (to: string, body: string) => element('message', { to, type: 'chat' }, element('body', {}, body))

test('a chat message for a client that has hung up but not read is kept, not written into the void', async (t) => {
  const server = await startTestServer(t, { config: { limits: { outboundBytes: 1_000_000_000 }, durability: 'fast' } })
  const socket = await deafClient(t, server, 'juliet')
  const romeo = await server.login('romeo')
  // More than the buffers of both kernels, so that the end of the connection is seen before everything is written.
  for (let i = 0; i < 400; i++) romeo.send(chat('juliet@test', BODY))
  await romeo.sync()
  socket.end()
  await until(() => !deaf(server)?.isOpen)
  assert.ok(deaf(server), 'the session is still there')
  romeo.send(chat('juliet@test/deaf', 'to the resource'))
  romeo.send(chat('juliet@test', 'to the account'))
  await romeo.sync()
  socket.destroy()
  const juliet = await server.login('juliet')
  const kept = [await juliet.receive('message'), await juliet.receive('message')].map((it) => it.getChildText('body'))
  assert.deepEqual(kept, ['to the resource', 'to the account'])
})

test('a client that leaves too much unread is closed, and the message it had no room for is kept', async (t) => {
  const server = await startTestServer(t, { config: { limits: { outboundBytes: 1_000_000 } } })
  await deafClient(t, server, 'juliet')
  const romeo = await server.login('romeo')
  let sent = 0
  while (deaf(server)) {
    romeo.send(chat('juliet@test', `${sent++} ${BODY}`))
    await romeo.sync()
  }
  const juliet = await server.login('juliet')
  const kept = await juliet.receive('message')
  assert.equal(kept.getChildText('body')?.split(' ')[0], String(sent - 1))
})

test('presence under way when its session is closed makes nobody available', async (t) => {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let reached = () => {}
  const under = new Promise<void>((resolve) => {
    reached = resolve
  })
  const available: string[] = []
  const plugin = definePlugin({
    name: 'slow-presence',
    version: '1.0.0',
    setup: () => ({
      hooks: {
        async presenceSent({ presence, session }) {
          if (presence.attribute('id') !== 'slow') return 'pass'
          reached()
          await held
          await session.setPresence(presence)
          return 'handled'
        },
        resourceAvailable: ({ session }) => void available.push(session.jid.resource),
      },
    }),
  })
  const server = await startTestServer(t, { plugins: [plugin] })
  const romeo = await server.login('romeo', { available: false })
  const session = server.sessions.get(romeo.jid)
  assert.ok(session)
  romeo.send(element('presence', { id: 'slow' }))
  await under
  session.close('policy-violation')
  release()
  await romeo.closed
  assert.deepEqual([session.isAvailable, available], [false, []])
})

test('a hook that refuses keeps no other plugin from hearing that a session has ended', async (t) => {
  const heard: string[] = []
  let settle = () => {}
  const told = new Promise<void>((resolve) => {
    settle = resolve
  })
  const refuse = () => {
    throw new StanzaError('forbidden')
  }
  const grumpy = definePlugin({ name: 'grumpy', version: '1.0.0', setup: () => ({ hooks: { resourceUnavailable: refuse, sessionClosed: refuse } }) })
  const listener = definePlugin({
    name: 'listener',
    version: '1.0.0',
    setup: () => ({
      hooks: {
        presenceSent: ({ presence, session }) => {
          if (presence.type === 'available') void session.setPresence(presence)
          return 'handled'
        },
        resourceUnavailable: () => void heard.push('unavailable'),
        sessionClosed: () => {
          heard.push('closed')
          settle()
        },
      },
    }),
  })
  const server = await startTestServer(t, { plugins: [grumpy, listener] })
  const romeo = await server.login('romeo')
  romeo.drop()
  await told
  assert.deepEqual(heard, ['unavailable', 'closed'])
})

test('a session that ends while its stanza hangs in a plugin does not stop the server from stopping', async (t) => {
  const hangs = definePlugin({
    name: 'hangs',
    version: '1.0.0',
    setup: () => ({ hooks: { sessionClosed: () => new Promise<void>(() => {}) }, stop: () => new Promise<void>(() => {}) }),
  })
  let isFlushed = false
  const flushes = definePlugin({ name: 'flushes', version: '1.0.0', setup: () => ({ stop: () => void (isFlushed = true) }) })
  const server = await startTestServer(t, { plugins: [flushes, hangs] })
  await server.login('romeo')
  const begun = performance.now()
  await server.stop()
  assert.ok(performance.now() - begun < 5000)
  assert.equal(isFlushed, true)
})

for (const [what, end] of [
  ['removed', (server: TestServer) => server.accounts.remove('romeo')],
  ['disabled', (server: TestServer) => server.accounts.setDisabled('romeo', true)],
] as const) {
  test(`an account ${what} between login and binding gets no session`, async (t) => {
    const server = await startTestServer(t, { plugins: [] })
    await server.accounts.create({ username: 'romeo', password: 'romeo' })
    const stream = await server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', 'romeo', 'romeo')
    await stream.open()
    await end(server)
    await assert.rejects(stream.bind('late'))
    assert.deepEqual([(await stream.closed).error, server.sessions.count], ['not-authorized', 0])
  })
}
