import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import disco from '../../plugins/disco/index.js'
import { credentialsFor } from '../../plugins/external-services/credentials.js'
import externalServices from '../../plugins/external-services/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const STUN = { type: 'stun', host: 'stun.test', port: 3478, transport: 'udp' }
const TURN = { type: 'turn', host: 'turn.test', port: 3478, transport: 'udp', secret: 'north', lifetimeSeconds: 600 }
const TURN_TLS = { ...TURN, port: 5349, transport: 'tcp' }
const FTP = { type: 'ftp', host: 'ftp.test', name: 'Files', username: 'guest', password: 'guest' }

async function loggedIn(t: TestScope, services: readonly object[] = [STUN, TURN, TURN_TLS, FTP]) {
  const settings = { 'external-services': { services } }
  const server = await startTestServer(t, { plugins: [roster, presence, disco, externalServices], config: { plugins: { settings } } })
  const romeo = await server.login('romeo')
  const ask = (payload: string, to = 'test', type = 'get') => romeo.request(`<iq type="${type}" to="${to}">${payload}</iq>`)
  return { server, ask }
}

const SERVICES = '<services xmlns="urn:xmpp:extdisco:2"/>'
const credentials = (content: string) => `<credentials xmlns="urn:xmpp:extdisco:2">${content}</credentials>`
function listed(answer: Element, name = 'services'): Record<string, string>[] {
  const list = findChild(answer, name, NS.externalServices)
  assert.ok(list, String(answer))
  return childElements(list).map((it) => ({ ...it.attrs }) as Record<string, string>)
}

test('all services are told, with credentials where there are any (XEP-0215 §3.1)', async (t) => {
  const { ask } = await loggedIn(t)
  const [stun, turn, turnTls, ftp] = listed(await ask(SERVICES))
  assert.deepEqual(stun, { type: 'stun', host: 'stun.test', port: '3478', transport: 'udp' })
  assert.deepEqual([turn?.restricted, turn?.port, turnTls?.port], ['1', '3478', '5349'])
  assert.deepEqual(ftp, { type: 'ftp', host: 'ftp.test', name: 'Files', restricted: '1', username: 'guest', password: 'guest' })
})

test('credentials made with a secret are those the service expects, and expire', async (t) => {
  const { ask } = await loggedIn(t)
  const before = Math.floor(Date.now() / 1000)
  const [, turn] = listed(await ask(SERVICES))
  const [expires, user] = turn?.username?.split(':') ?? []
  assert.equal(user, 'romeo')
  assert.ok(Number(expires) >= before + 600 && Number(expires) <= Date.now() / 1000 + 600)
  assert.equal(Date.parse(turn?.expires ?? ''), Number(expires) * 1000)
  assert.equal(
    turn?.password,
    createHmac('sha1', 'north')
      .update(turn?.username ?? '')
      .digest('base64'),
  )
  assert.ok(!JSON.stringify(turn).includes('north'))
})

test('the same credentials as others compute for the same secret, user and time', () => {
  const made = credentialsFor({ secret: 'secret', lifetimeSeconds: 86_400 }, 'user', 1_000_000_000_999)
  assert.deepEqual(made, { username: '1000086400:user', password: '3l2IxtzyTO9pty4iCl9UhE32ZAg=', expires: new Date(1_000_086_400_000) })
})

test('services of one type can be asked for (§3.2)', async (t) => {
  const { ask } = await loggedIn(t)
  const answer = await ask('<services xmlns="urn:xmpp:extdisco:2" type="turn"/>')
  assert.equal(findChild(answer, 'services', NS.externalServices)?.attrs.type, 'turn')
  assert.deepEqual(
    listed(answer).map((it) => it.port),
    ['3478', '5349'],
  )
  assert.deepEqual(listed(await ask('<services xmlns="urn:xmpp:extdisco:2" type="gopher"/>')), [])
})

test('credentials can be asked for at one service, or at one port of it (§3.3)', async (t) => {
  const { ask } = await loggedIn(t)
  const all = listed(await ask(credentials('<service host="turn.test" type="turn"/>')), 'credentials')
  assert.deepEqual(
    all.map((it) => it.port),
    ['3478', '5349'],
  )
  assert.ok(all.every((it) => it.username && it.password))
  const one = listed(await ask(credentials('<service host="turn.test" type="turn" port="5349"/>')), 'credentials')
  assert.deepEqual(
    one.map((it) => it.port),
    ['5349'],
  )
})

for (const [what, content, condition] of [
  ['no service', '', 'bad-request'],
  ['two services', '<service host="turn.test" type="turn"/><service host="turn.test" type="turn"/>', 'bad-request'],
  ['a service without host', '<service type="turn"/>', 'bad-request'],
  ['a service without type', '<service host="turn.test"/>', 'bad-request'],
  ['a port that is no number', '<service host="turn.test" type="turn" port="x"/>', 'bad-request'],
  ['a service of another namespace', '<service xmlns="urn:test" host="turn.test" type="turn"/>', 'bad-request'],
  ['a service that is not known', '<service host="turn.elsewhere" type="turn"/>', 'item-not-found'],
  ['a service that needs none', '<service host="stun.test" type="stun"/>', 'item-not-found'],
] as const) {
  test(`a request for credentials with ${what} is answered with ${condition}`, async (t) => {
    const { ask } = await loggedIn(t)
    assert.equal(errorCondition(await ask(credentials(content))), condition)
  })
}

test("services are the server's, and cannot be set", async (t) => {
  const { ask } = await loggedIn(t)
  assert.equal(errorCondition(await ask(SERVICES, 'test', 'set')), 'service-unavailable')
  assert.equal(errorCondition(await ask(SERVICES, 'romeo@test')), 'service-unavailable')
})

test('the feature is told where there are services, and only there (§5)', async (t) => {
  for (const [services, isTold] of [
    [[STUN], true],
    [[], false],
  ] as const) {
    const { ask } = await loggedIn(t, services)
    const info = await ask('<query xmlns="http://jabber.org/protocol/disco#info"/>')
    assert.equal(
      childElements(info.getChild('query') ?? info).some((it) => it.attrs.var === 'urn:xmpp:extdisco:2'),
      isTold,
    )
  }
})

test('half of a pair of credentials, or two ways at once, are told to the operator', async (t) => {
  for (const wrong of [
    { ...STUN, username: 'u' },
    { ...STUN, password: 'p' },
    { ...TURN, username: 'u', password: 'p' },
  ]) {
    const { server } = await loggedIn(t, [wrong])
    const status = server.plugins.find('external-services')
    assert.equal(status?.state, 'failed')
    assert.doesNotMatch(status.error ?? '', /north/)
  }
})
