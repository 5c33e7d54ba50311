/** Stream management with npm's @xmpp/client, which enables it by itself and resumes when its connection is lost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { startTestServer, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import { client, type Entity, xml } from '@xmpp/client'
import type { Element } from 'ltx'
import { ANSWER_LIMIT_MS } from './peers/xmpp-client-actor.js'

async function connect(t: TestScope, server: TestServer, username: string): Promise<Entity> {
  await server.accounts.create({ username, password: username })
  const entity = client({
    service: `xmpp://127.0.0.1:${server.ports.c2s}`,
    domain: 'test',
    resource: 'npm',
    timeout: ANSWER_LIMIT_MS,
    credentials: (authenticate) => authenticate({ username, password: username }, 'SCRAM-SHA-1'),
  })
  entity.on('error', () => {}) // a lost connection is what the test wants
  entity.reconnect.delay = 10
  entity.streamManagement.requestAckDebounce = 0
  t.after(async () => void (await entity.stop()))
  await entity.start()
  while (!entity.streamManagement.enabled) await new Promise(setImmediate)
  // No request is made here: this client does not count the answers, and would get again what it has.
  const echo = once(entity, 'stanza')
  await entity.send(xml('presence'))
  await echo
  return entity
}

/** Bodies of messages as they come. */
function bodies(entity: Entity): { next(): Promise<string | null> } {
  const came: (string | null)[] = []
  let wake = () => {}
  entity.on('stanza', (stanza: Element) => {
    if (!stanza.is('message')) return
    came.push(stanza.getChildText('body'))
    wake()
  })
  return {
    async next() {
      while (came.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return came.shift() ?? null
    },
  }
}

const message = (to: string, body: string) => xml('message', { to, type: 'chat', id: body }, xml('body', {}, body))

test('@xmpp/client resumes its session, gets what came meanwhile once and in order, and is told that its own messages were taken', async (t) => {
  const server = await startTestServer(t, { config: { c2s: { tls: 'disabled', directTlsPort: 0 } } })
  const [romeo, juliet] = [await connect(t, server, 'romeo'), await connect(t, server, 'juliet')]
  const { streamManagement } = juliet
  const [toJuliet, toRomeo] = [bodies(juliet), bodies(romeo)]
  const { id } = streamManagement
  for (let round = 0; round < 3; round++) {
    const acked = once(romeo.streamManagement, 'ack')
    await romeo.send(message('juliet@test/npm', `${round} before`))
    await acked
    const resumed = once(streamManagement, 'resumed')
    const session = [...server.sessions.all()].find((it) => it.jid.local === 'juliet')
    juliet.socket?.end()
    for (const body of ['a', 'b', 'c']) await romeo.send(message('juliet@test', `${round} ${body}`))
    await resumed
    assert.equal(streamManagement.id, id)
    for (const body of ['before', 'a', 'b', 'c']) assert.equal(await toJuliet.next(), `${round} ${body}`)
    assert.equal(
      [...server.sessions.all()].find((it) => it.jid.local === 'juliet'),
      session,
    )
    const taken = once(streamManagement, 'ack')
    await juliet.send(message('romeo@test', `${round} back`))
    await taken
    assert.equal(await toRomeo.next(), `${round} back`)
  }
})
