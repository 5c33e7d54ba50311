import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childText, type Element, findChild, NS, StanzaError, type StanzaErrorCondition } from '@beaconfire/plugin-sdk'
import { FakeServer } from './fake-context.fixture.js'

const NAMESPACE = 'xmlns="jabber:iq:register"'
const plain = (fields: string) => `<query ${NAMESPACE}>${fields}</query>`
const form = (fields: Record<string, string>, type = 'submit') =>
  plain(
    `<x xmlns="jabber:x:data" type="${type}">${Object.entries(fields)
      .map(([name, value]) => `<field var="${name}"><value>${value}</value></field>`)
      .join('')}</x>`,
  )
const refusedWith = (condition: StanzaErrorCondition) => (error: unknown) => error instanceof StanzaError && error.condition === condition

test('the form asks for username, password and the configured fields, plainly and as a data form', async () => {
  const server = new FakeServer({ fields: ['email', 'phone'], requiredFields: ['email'] })
  const query = (await server.ask('get', plain(''))) as Element
  const names = ['username', 'password', 'email', 'phone']
  for (const name of names) assert.equal(childText(query, name), '')
  assert.equal(findChild(query, 'name'), undefined)
  assert.equal(findChild(query, 'registered'), undefined)
  const fields = findChild(query, 'x', NS.dataForm)?.getChildren('field') ?? []
  assert.deepEqual(
    fields.map((it) => it.attrs.var),
    ['FORM_TYPE', ...names],
  )
  assert.deepEqual(
    fields.filter((it) => it.getChild('required')).map((it) => it.attrs.var),
    ['username', 'password', 'email'],
  )
})

test('plain fields make an account, and unknown children such as an imei reach the hook', async () => {
  const server = new FakeServer()
  assert.equal(await server.ask('set', plain('<username>Romeo</username><password>r0meo</password><email>r@x</email><imei>8621</imei>')), undefined)
  assert.deepEqual(server.stored.get('romeo'), { password: 'r0meo', name: undefined, email: 'r@x' })
  const [fact] = server.registered
  assert.equal(fact?.user.toString(), 'romeo@test')
  assert.equal(fact?.remoteAddress, '192.0.2.1')
  assert.equal(fact && childText(fact.form, 'imei'), '8621')
})

test('a submitted data form makes an account', async () => {
  const server = new FakeServer()
  await server.ask('set', form({ FORM_TYPE: 'jabber:iq:register', username: 'romeo', password: 'r0meo', name: 'Romeo M.' }))
  assert.deepEqual(server.stored.get('romeo'), { password: 'r0meo', name: 'Romeo M.', email: undefined })
})

test('a data form of another type, or one that is not submitted, is a bad request', async () => {
  const server = new FakeServer()
  const filled = { username: 'romeo', password: 'x' }
  await assert.rejects(server.ask('set', form({ FORM_TYPE: 'urn:other', ...filled })), refusedWith('bad-request'))
  await assert.rejects(server.ask('set', form(filled, 'cancel')), refusedWith('bad-request'))
})

test('a taken name is a conflict; missing and empty fields are not acceptable; a name that is no localpart is malformed', async () => {
  const server = new FakeServer({ requiredFields: ['email'] })
  const email = '<email>e</email>'
  await server.ask('set', plain(`<username>romeo</username><password>x</password>${email}`))
  const cases: [string, StanzaErrorCondition][] = [
    [`<username>ROMEO</username><password>x</password>${email}`, 'conflict'],
    [`<username>juliet</username>${email}`, 'not-acceptable'],
    [`<username> </username><password>x</password>${email}`, 'not-acceptable'],
    [`<username>juliet</username><password></password>${email}`, 'not-acceptable'],
    ['<username>juliet</username><password>x</password>', 'not-acceptable'],
    [`<username>juliet</username><password>x</password><email>${'e'.repeat(101)}</email>`, 'not-acceptable'],
    [`<username>juliet</username><password>forbidden</password>${email}`, 'not-acceptable'],
    [`<username>a@b</username><password>x</password>${email}`, 'jid-malformed'],
    [`<username>a b</username><password>x</password>${email}`, 'jid-malformed'],
    ['<remove/>', 'registration-required'],
  ]
  for (const [fields, condition] of cases) await assert.rejects(server.ask('set', plain(fields)), refusedWith(condition), fields)
  assert.deepEqual([...server.stored.keys()], ['romeo'])
  assert.equal(server.registered.length, 1)
})

test('a password below the configured length is refused with a text that says so', async () => {
  const server = new FakeServer({ minPasswordLength: 8 })
  await assert.rejects(server.ask('set', plain('<username>romeo</username><password>short</password>')), /at least 8 characters/)
})

test('one address may register so often in an hour, another address is not touched by that', async () => {
  const server = new FakeServer({ perAddressPerHour: 2 })
  const register = (name: string, address: string) => server.ask('set', plain(`<username>${name}</username><password>x</password>`), address)
  await register('a', '192.0.2.1')
  await register('b', '192.0.2.1')
  await assert.rejects(register('c', '192.0.2.1'), refusedWith('resource-constraint'))
  await register('c', '192.0.2.2')
  const unlimited = new FakeServer({ perAddressPerHour: 2 }, false)
  for (const name of ['a', 'b', 'c']) await unlimited.ask('set', plain(`<username>${name}</username><password>x</password>`))
})

test('when disabled nothing is advertised and every request before login is answered service-unavailable', async () => {
  const server = new FakeServer({ enabled: false })
  assert.deepEqual(server.contributions.streamFeatures, [])
  assert.deepEqual(server.contributions.features, [])
  await assert.rejects(server.ask('get', plain('')), refusedWith('service-unavailable'))
  await assert.rejects(server.ask('set', plain('<username>a</username><password>x</password>')), refusedWith('service-unavailable'))
})

test('a registered user sees the own values without the password', async () => {
  const server = new FakeServer()
  server.stored.set('romeo', { password: 'secret', name: 'Romeo', email: undefined })
  const query = (await server.askAs('romeo', 'get', plain(''))) as Element
  assert.ok(findChild(query, 'registered'))
  assert.equal(childText(query, 'username'), 'romeo')
  assert.equal(childText(query, 'name'), 'Romeo')
  assert.equal(childText(query, 'password'), '')
  assert.doesNotMatch(query.toString(), /secret/)
})

test('a user changes the own password, named or not, and nobody else’s', async () => {
  const server = new FakeServer()
  for (const name of ['romeo', 'juliet']) server.stored.set(name, { password: 'old', name: 'N', email: 'E' })
  await server.askAs('romeo', 'set', plain('<username>Romeo</username><password>one</password>'))
  assert.equal(server.stored.get('romeo')?.password, 'one')
  await server.askAs('romeo', 'set', plain('<password>two</password><email/>'))
  assert.deepEqual(server.stored.get('romeo'), { password: 'two', name: 'N', email: '' })
  for (const name of ['juliet', 'romeo@other', 'a b', 'romeo/x']) {
    await assert.rejects(server.askAs('romeo', 'set', plain(`<username>${name}</username><password>x</password>`)), refusedWith('not-allowed'), name)
  }
  await assert.rejects(server.askAs('romeo', 'set', plain('<username>romeo</username>')), refusedWith('not-acceptable'))
  assert.equal(server.stored.get('juliet')?.password, 'old')
})

test('a user who removes the account gets the result, then the end of the stream', async () => {
  const server = new FakeServer()
  server.stored.set('romeo', { password: 'x', name: undefined, email: undefined })
  await server.askAs('romeo', 'set', plain('<remove/>'))
  assert.equal(server.stored.size, 0)
  assert.deepEqual(server.events, ['removed, asking session spared', 'result to romeo@test/home', 'closed with not-authorized'])
})

test('a removal that is not alone, or not allowed here, removes nothing', async () => {
  const server = new FakeServer()
  server.stored.set('romeo', { password: 'x', name: undefined, email: undefined })
  await assert.rejects(server.askAs('romeo', 'set', plain('<remove/><username>romeo</username>')), refusedWith('bad-request'))
  const strict = new FakeServer({ accountRemoval: false, passwordChange: false })
  await assert.rejects(strict.askAs('romeo', 'set', plain('<remove/>')), refusedWith('not-allowed'))
  await assert.rejects(strict.askAs('romeo', 'set', plain('<password>x</password>')), refusedWith('not-allowed'))
  assert.equal(server.stored.size, 1)
})
