import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertStanza, startTestServer } from '@beaconfire/plugin-sdk/testing'
import rateLimiter from './index.js'

const API = '/api/v1/plugins/rate-limiter'
const settings = { message: { burst: 2, perSecond: 1 }, text: 'Slower.' }

test('what is too fast is refused with an error that says to wait, for all resources of the account', async (t) => {
  const server = await startTestServer(t, {
    plugins: [rateLimiter],
    clock: 'virtual',
    config: { limits: { enabled: true }, plugins: { settings: { 'rate-limiter': settings } }, admins: ['nurse@test'] },
  })
  const [romeo, phone, juliet] = [await server.login('romeo'), await server.login('romeo'), await server.login('juliet')]
  const say = (from: typeof romeo, id: string, type = 'chat') =>
    from.send(`<message to="${juliet.jid}" id="${id}" type="${type}"><body>x</body></message>`)
  say(romeo, '1')
  say(romeo, '2')
  await romeo.sync()
  say(phone, '3')
  const error = await phone.receive('message')
  assertStanza(
    error,
    `<message id="3" type="error" from="${juliet.jid}" to="${phone.jid}"><body>x</body><error type="wait">
      <resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">Slower.</text>
    </error></message>`,
  )
  say(romeo, 'error', 'error')
  const nurse = await server.login('nurse')
  for (const id of ['4', '5', '6']) say(nurse, id)
  await nurse.receiveNothing('message')
  const listed = (await (await server.admin(`${API}/limited`)).json()) as { items: { user: string; waitMs: number }[]; total: number }
  assert.deepEqual([listed.total, listed.items[0]?.user, listed.items[0]?.waitMs], [1, 'romeo@test', 1000])
  await server.clock.advance(1000)
  say(romeo, '7')
  await romeo.sync()
  assert.equal((await server.admin(`${API}/limited/romeo`, { method: 'DELETE' })).status, 204)
  assert.equal((await server.admin(`${API}/limited/romeo`, { method: 'DELETE' })).status, 404)
  say(romeo, '8')
  await romeo.sync()
  await juliet.sync()
  assert.deepEqual(
    juliet.received.filter((it) => it.getName() === 'message').map((it) => it.attrs.id as string),
    ['1', '2', 'error', '4', '5', '6', '7', '8'],
  )
  assert.match(await (await server.admin('/metrics')).text(), /^beaconfire_rate_limiter_refused_total 1$/m)
})

test('a reload remembers who was too fast', async (t) => {
  const server = await startTestServer(t, {
    plugins: [rateLimiter],
    config: { limits: { enabled: true }, plugins: { settings: { 'rate-limiter': { message: { burst: 1, perSecond: 0.001 } } } } },
  })
  const romeo = await server.login('romeo')
  romeo.send(`<message to="${romeo.jid}" id="1"/>`)
  await romeo.receive('message')
  await server.plugins.reload('rate-limiter')
  romeo.send(`<message to="${romeo.jid}" id="2"/>`)
  assert.equal((await romeo.receive('message')).attrs.type, 'error')
})
