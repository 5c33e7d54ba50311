/** In-band registration over the wire: from nothing to a logged-in user, and back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childText, definePlugin, type Element, element, findChild, NS, parseElement, type UserRegistered } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestConfig, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import register from '../../plugins/register/index.js'
import roster from '../../plugins/roster/index.js'

async function start(t: TestScope, settings: object = {}, config: TestConfig = {}) {
  const registered: UserRegistered[] = []
  const listener = definePlugin({
    name: 'listener',
    version: '1.0.0',
    setup: () => ({ hooks: { userRegistered: (fact) => void registered.push(fact) } }),
  })
  const plugins = { settings: { register: settings } } as NonNullable<TestConfig['plugins']>
  const server = await startTestServer(t, { plugins: [ping, roster, presence, register, listener], config: { ...config, plugins } })
  return { server, registered }
}

const query = (type: 'get' | 'set', fields = '') => parseElement(`<iq type="${type}"><query xmlns="jabber:iq:register">${fields}</query></iq>`)
const account = (name: string, password: string) => `<username>${name}</username><password>${password}</password>`

async function loginWith(server: TestServer, name: string, password: string): Promise<void> {
  const stream = await server.connect()
  await stream.open()
  await stream.authenticate('PLAIN', name, password)
  await stream.close()
}

test('a client that knows nothing registers, logs in on the same stream, and its imei reaches a plugin', async (t) => {
  const { server, registered } = await start(t)
  const stream = await server.connect()
  const features = await stream.open()
  assert.ok(features.getChild('register', NS.registerFeature))
  const form = findChild(await stream.request(query('get')), 'query', NS.register)
  assert.ok(form && findChild(form, 'username') && findChild(form, 'password') && findChild(form, 'x', NS.dataForm))
  const answer = await stream.request(query('set', `${account('westlakestudent', '88888888')}<imei>862186021303189</imei>`))
  assert.equal(answer.attrs.type, 'result')
  assert.equal(answer.children.length, 0)
  assert.equal(registered.length, 1)
  assert.equal(childText((registered[0] as UserRegistered).form, 'imei'), '862186021303189')
  await stream.authenticate('SCRAM-SHA-256', 'westlakestudent', '88888888')
  const after = await stream.open()
  assert.equal(after.getChild('register', NS.registerFeature), undefined)
  assert.equal((await stream.bind('phone')).toString(), 'westlakestudent@test/phone')
})

test('a data form does the same, inside TLS', async (t) => {
  const { server } = await start(t)
  const stream = await server.connect({ tls: true })
  await stream.open()
  const field = (name: string, value: string) => element('field', { var: name }, element('value', {}, value))
  const form = element(
    'x',
    { xmlns: NS.dataForm, type: 'submit' },
    field('FORM_TYPE', NS.register),
    field('username', 'romeo'),
    field('password', 'x'),
  )
  const iq = element('iq', { type: 'set' }, element('query', { xmlns: NS.register }, form))
  assert.equal((await stream.request(iq)).attrs.type, 'result')
  await loginWith(server, 'romeo', 'x')
})

test('what cannot be registered is refused on a stream that goes on', async (t) => {
  const { server } = await start(t)
  const stream = await server.connect()
  await stream.open()
  await stream.request(query('set', account('romeo', 'x')))
  const refused: [string, string][] = [
    [account('romeo', 'y'), 'conflict'],
    ['<username>juliet</username>', 'not-acceptable'],
    [account('', 'x'), 'not-acceptable'],
    [account('a b', 'x'), 'jid-malformed'],
    [account('x'.repeat(2000), 'x'), 'jid-malformed'],
  ]
  for (const [fields, condition] of refused) assert.equal(errorCondition(await stream.request(query('set', fields))), condition)
  assert.equal((await stream.request(query('set', account('juliet', 'x')))).attrs.type, 'result')
})

test('registration that is switched off is neither offered nor answered', async (t) => {
  const { server } = await start(t, { enabled: false })
  const stream = await server.connect()
  const features = await stream.open()
  assert.equal(features.getChild('register', NS.registerFeature), undefined)
  assert.equal(errorCondition(await stream.request(query('set', account('romeo', 'x')))), 'service-unavailable')
})

test('an address that registers too often has to wait, where limits are on', async (t) => {
  const { server } = await start(t, { perAddressPerHour: 2 }, { limits: { enabled: true } })
  const stream = await server.connect()
  await stream.open()
  for (const name of ['one', 'two']) assert.equal((await stream.request(query('set', account(name, 'x')))).attrs.type, 'result')
  assert.equal(errorCondition(await stream.request(query('set', account('three', 'x')))), 'resource-constraint')
})

test('a user changes the own password, and can log in with it alone', async (t) => {
  const { server } = await start(t)
  const romeo = await server.login('romeo')
  await server.login('juliet')
  const current = findChild(await romeo.request(query('get')), 'query', NS.register) as Element
  assert.ok(findChild(current, 'registered'))
  assert.equal(childText(current, 'username'), 'romeo')
  assert.equal(errorCondition(await romeo.request(query('set', account('juliet', 'stolen')))), 'not-allowed')
  assert.equal((await romeo.request(query('set', account('romeo', 'new')))).attrs.type, 'result')
  await loginWith(server, 'romeo', 'new')
  await assert.rejects(loginWith(server, 'romeo', 'romeo'), /not-authorized/)
  await loginWith(server, 'juliet', 'juliet')
})

test('a user who removes the account gets the result, then all sessions end with not-authorized', async (t) => {
  const { server } = await start(t)
  const [phone, desk] = [await server.login('romeo', { resource: 'phone' }), await server.login('romeo', { resource: 'desk' })]
  assert.equal((await phone.request(query('set', '<remove/>'))).attrs.type, 'result')
  for (const client of [phone, desk]) assert.equal((await client.closed).error, 'not-authorized')
  assert.equal(await server.accounts.find('romeo'), undefined)
  await assert.rejects(loginWith(server, 'romeo', 'romeo'), /not-authorized/)
  assert.equal(server.sessions.count, 0)
})

test('an error never repeats a password, to a newcomer and to a user (§3.3)', async (t) => {
  const { server } = await start(t)
  const stream = await server.connect()
  await stream.open()
  const refused = await stream.request(query('set', '<username>ro meo</username><password>Tell nobody</password>'))
  const romeo = await server.login('romeo', { available: false })
  const notChanged = await romeo.request(query('set', '<username>juliet</username><password>Tell nobody</password>'))
  for (const error of [refused, notChanged]) {
    assert.equal(error.attrs.type, 'error')
    assert.doesNotMatch(error.toString(), /Tell nobody/)
  }
})

test('an empty password changes nothing (§3.3)', async (t) => {
  const { server } = await start(t)
  const romeo = await server.login('romeo', { available: false })
  for (const password of ['<password/>', '<password></password>', '']) {
    assert.equal((await romeo.request(query('set', `<username>romeo</username>${password}`))).attrs.type, 'error')
  }
  await loginWith(server, 'romeo', 'romeo')
})

test('a removal with anything else in it is a bad request, and one before login is refused (§3.2)', async (t) => {
  const { server } = await start(t)
  const romeo = await server.login('romeo', { available: false })
  assert.equal(errorCondition(await romeo.request(query('set', '<remove/><username>romeo</username>'))), 'bad-request')
  assert.equal(await server.accounts.exists('romeo'), true)
  const stream = await server.connect()
  await stream.open()
  assert.equal(errorCondition(await stream.request(query('set', '<remove/>'))), 'registration-required')
})

test('a user who asks is told that the account is registered, and never the password (§3.1)', async (t) => {
  const { server } = await start(t)
  const romeo = await server.login('romeo', { available: false })
  const form = findChild(await romeo.request(query('get')), 'query', NS.register)
  assert.ok(form && findChild(form, 'registered'))
  assert.deepEqual([childText(form, 'username'), childText(form, 'password')], ['romeo', ''])
})
