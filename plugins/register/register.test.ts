/** In-band registration over sockets (XEP-0077): the form, what it makes, and what is refused. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childText, type Element, findChild, NS, parseElement, type UserRegistered } from '@beaconfire/plugin-sdk'
import {
  errorCondition,
  startTestServer,
  type TestClient,
  type TestConfig,
  type TestScope,
  type TestServer,
  type TestServerOptions,
  type TestStream,
} from '@beaconfire/plugin-sdk/testing'
import { stageOfSuite } from '../../test/conformance/support/stage.js'
import register from './index.js'

/** Only the settings of registration differ. */
function optionsWith(settings: object = {}, config: TestConfig = {}): TestServerOptions {
  const plugins = { settings: { register: settings } } as NonNullable<TestConfig['plugins']>
  return { plugins: ['roster', 'presence', 'disco', register, listener], database: 'memory', config: { ...config, plugins } }
}
const serverWith = (t: TestScope, settings: object, config?: TestConfig) => startTestServer(t, optionsWith(settings, config))

const registered: UserRegistered[] = []
const listener = {
  name: 'listener',
  version: '1.0.0',
  setup: () => ({ hooks: { userRegistered: (fact: UserRegistered) => void registered.push(fact) } }),
}
describe('register', () => {
  const stage = stageOfSuite(optionsWith({ minPasswordLength: 2 }))

  /** Somebody who is not logged in. */
  async function stranger(of = stage.server, from = '127.0.0.1'): Promise<TestStream> {
    const stream = await of.connect({ from })
    await stream.open()
    return stream
  }

  async function mayLogIn(username: string, password: string): Promise<boolean> {
    const stream = await stranger()
    try {
      await stream.authenticate('PLAIN', username, password)
      return true
    } catch {
      return false
    }
  }

  const ask = (who: TestStream | TestClient, type: 'get' | 'set', fields = ''): Promise<Element> =>
    who.request(parseElement(`<iq type='${type}'><query xmlns='jabber:iq:register'>${fields}</query></iq>`))
  const account = (username: string, password: string) => `<username>${username}</username><password>${password}</password>`
  const form = (fields: Record<string, string>, type = 'submit') =>
    `<x xmlns='jabber:x:data' type='${type}'>${Object.entries(fields)
      .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
      .join('')}</x>`
  const queryOf = (answer: Element) => findChild(answer, 'query', NS.register) as Element
  const isDone = (answer: Element) => assert.deepEqual([answer.attrs.type, answer.children.length], ['result', 0])
  const kept = async (username: string, of = stage.server) => {
    const { name, email } = (await of.accounts.find(username)) ?? {}
    return { name, email }
  }

  test('the form asks for username, password and the configured fields, plainly and as a data form', async (t) => {
    const other = await serverWith(t, { fields: ['email', 'phone'], requiredFields: ['email'] })
    const query = queryOf(await ask(await stranger(other), 'get'))
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
    registered.length = 0
    isDone(await ask(await stranger(), 'set', `${account('Plain', 'r0meo')}<email>r@x</email><imei>8621</imei>`))
    assert.deepEqual(await kept('plain'), { name: undefined, email: 'r@x' })
    assert.ok(await mayLogIn('plain', 'r0meo'))
    const [fact, ...more] = registered
    assert.deepEqual([String(fact?.user), fact?.remoteAddress, fact && childText(fact.form, 'imei')], ['plain@test', '127.0.0.1', '8621'])
    assert.deepEqual(more, [])
  })

  test('a submitted data form makes an account', async () => {
    isDone(await ask(await stranger(), 'set', form({ FORM_TYPE: 'jabber:iq:register', username: 'formal', password: 'r0meo', name: 'Romeo M.' })))
    assert.deepEqual(await kept('formal'), { name: 'Romeo M.', email: undefined })
    assert.ok(await mayLogIn('formal', 'r0meo'))
  })

  test('a data form of another type, or one that is not submitted, is a bad request', async () => {
    const filled = { username: 'nobody', password: 'xx' }
    for (const wrong of [form({ FORM_TYPE: 'urn:other', ...filled }), form(filled, 'cancel')])
      assert.equal(errorCondition(await ask(await stranger(), 'set', wrong)), 'bad-request')
    assert.equal(await stage.server.accounts.exists('nobody'), false)
  })

  test('a taken name is a conflict; missing and empty fields are not acceptable; a name that is no localpart is malformed', async (t) => {
    const other = await serverWith(t, { requiredFields: ['email'] })
    registered.length = 0
    const email = '<email>e</email>'
    const stream = await stranger(other)
    isDone(await ask(stream, 'set', account('romeo', 'x') + email))
    for (const [fields, condition] of [
      [account('ROMEO', 'x') + email, 'conflict'],
      [`<username>juliet</username>${email}`, 'not-acceptable'],
      [account(' ', 'x') + email, 'not-acceptable'],
      [account('juliet', '') + email, 'not-acceptable'],
      [account('juliet', 'x'), 'not-acceptable'],
      [`${account('juliet', 'x')}<email>${'e'.repeat(101)}</email>`, 'not-acceptable'],
      [account('juliet', 'no\ttab') + email, 'not-acceptable'],
      [account('a@b', 'x') + email, 'jid-malformed'],
      [account('a b', 'x') + email, 'jid-malformed'],
      ['<remove/>', 'registration-required'],
    ] as const) {
      assert.equal(errorCondition(await ask(stream, 'set', fields)), condition, fields)
    }
    assert.deepEqual([await other.accounts.exists('romeo'), await other.accounts.exists('juliet')], [true, false])
    assert.equal(registered.length, 1)
  })

  test('a password below the configured length is refused with a text that says so', async () => {
    const refusal = await ask(await stranger(), 'set', account('short', 'x'))
    assert.match(String(refusal), /at least 2 characters/)
    assert.equal(await stage.server.accounts.exists('short'), false)
  })

  test('one address may register so often in an hour, another address is not touched by that', async (t) => {
    for (const enabled of [true, false]) {
      const limited = await serverWith(t, { perAddressPerHour: 2 }, { limits: { enabled } })
      const answers: Element[] = []
      for (const [name, address] of [
        ['a', '127.0.0.1'],
        ['b', '127.0.0.1'],
        ['c', '127.0.0.1'],
        ['d', '127.0.0.2'],
      ] as const) {
        answers.push(await ask(await stranger(limited, address), 'set', account(name, 'x')))
      }
      const refused = answers.map((it) => it.attrs.type === 'error' && errorCondition(it))
      assert.deepEqual(refused, [false, false, enabled && 'resource-constraint', false])
    }
  })

  test('when disabled nothing is advertised and every request before login is answered service-unavailable', async (t) => {
    const offers = async (of: TestServer) => {
      const features = await (await of.connect()).open()
      const client = await of.login('romeo', { available: false })
      const info = await client.request("<iq type='get' to='test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
      return [features.getChild('register', NS.registerFeature) !== undefined, String(info).includes('"jabber:iq:register"')]
    }
    const closed = await serverWith(t, { enabled: false })
    assert.deepEqual(
      [await offers(stage.server), await offers(closed)],
      [
        [true, true],
        [false, false],
      ],
    )
    for (const [type, fields] of [
      ['get', ''],
      ['set', account('a', 'xx')],
    ] as const) {
      assert.equal(errorCondition(await ask(await stranger(closed), type, fields)), 'service-unavailable')
    }
  })

  test('a registered user sees the own values without the password', async () => {
    await stage.server.accounts.create({ username: 'known', password: 'secret', name: 'Known' })
    const query = queryOf(await ask(await stage.server.login('known', { password: 'secret', available: false }), 'get'))
    assert.ok(findChild(query, 'registered'))
    assert.deepEqual(
      ['username', 'name', 'password'].map((it) => childText(query, it)),
      ['known', 'Known', ''],
    )
    assert.doesNotMatch(query.toString(), /secret/)
  })

  test('a user changes the own password, named or not, and nobody else’s', async () => {
    for (const username of ['montague', 'capulet']) await stage.server.accounts.create({ username, password: 'old', name: 'N', email: 'E' })
    const client = await stage.server.login('montague', { password: 'old', available: false })
    isDone(await ask(client, 'set', account('Montague', 'one')))
    assert.deepEqual([await mayLogIn('montague', 'one'), await mayLogIn('montague', 'old')], [true, false])
    assert.deepEqual(await kept('montague'), { name: 'N', email: 'E' })
    isDone(await ask(client, 'set', '<password>two</password><email/>'))
    assert.ok(await mayLogIn('montague', 'two'))
    const { name, email } = await kept('montague')
    assert.deepEqual([name, email || undefined], ['N', undefined])
    for (const username of ['capulet', 'montague@other', 'a b', 'montague/x'])
      assert.equal(errorCondition(await ask(client, 'set', account(username, 'xx'))), 'not-allowed', username)
    assert.equal(errorCondition(await ask(client, 'set', '<username>montague</username>')), 'not-acceptable')
    assert.deepEqual([await mayLogIn('montague', 'two'), await mayLogIn('capulet', 'old')], [true, true])
  })

  test('a user who removes the account gets the result, then the end of the stream', async () => {
    const client = await stage.server.login('leaving', { available: false })
    isDone(await ask(client, 'set', '<remove/>'))
    await assert.rejects(client.sync(), /stream ended/)
    assert.deepEqual(await client.closed, { error: 'not-authorized' })
    assert.equal(await stage.server.accounts.exists('leaving'), false)
  })

  test('a removal that is not alone, or not allowed here, removes nothing', async (t) => {
    const client = await stage.server.login('staying', { available: false })
    assert.equal(errorCondition(await ask(client, 'set', '<remove/><username>staying</username>')), 'bad-request')
    assert.equal(await stage.server.accounts.exists('staying'), true)
    const strict = await serverWith(t, { accountRemoval: false, passwordChange: false })
    const kept = await strict.login('romeo', { available: false })
    for (const fields of ['<remove/>', '<password>x</password>']) assert.equal(errorCondition(await ask(kept, 'set', fields)), 'not-allowed')
    assert.equal(await strict.accounts.exists('romeo'), true)
  })
})
