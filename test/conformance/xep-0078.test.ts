/** Login without SASL (XEP-0078), and the flow of seed 000. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { childElements, type Element, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, TestClient, type TestConfig, type TestScope, type TestStream } from '@beaconfire/plugin-sdk/testing'
import iqAuth from '../../plugins/iq-auth/index.js'
import register from '../../plugins/register/index.js'

const start = async (t: TestScope, settings: object = {}, config: TestConfig = {}) => {
  const server = await startTestServer(t, {
    plugins: [iqAuth, register],
    config: { ...config, plugins: { settings: { 'iq-auth': { enabled: true, withoutTls: true, ...settings } } } },
  })
  await server.accounts.create({ username: 'bill', password: 'Calli0pe' })
  return server
}
const readable: TestConfig = { c2s: { readablePasswords: true } }

async function ask(stream: TestStream, type: 'get' | 'set', fields: string): Promise<Element> {
  stream.write(`<iq type="${type}" id="auth"><query xmlns="jabber:iq:auth">${fields}</query></iq>`)
  return stream.receive((el) => el.attrs.id === 'auth')
}
const plain = (username: string, password: string, resource = 'globe') =>
  `<username>${username}</username><password>${password}</password><resource>${resource}</resource>`
const digestOf = (stream: TestStream, password: string) => createHash('sha1').update(`${stream.header.id}${password}`).digest('hex')
const digested = (stream: TestStream, username: string, password: string) =>
  `<username>${username}</username><digest>${digestOf(stream, password)}</digest><resource>globe</resource>`
const fieldsOf = (answer: Element) => childElements(answer.getChild('query', NS.iqAuth) as Element).map((it) => it.getName())

async function opened(t: TestScope, settings: object = {}, config: TestConfig = {}) {
  const server = await start(t, settings, config)
  const stream = await server.connect()
  const features = await stream.open()
  return { server, stream, features }
}

test('the stream feature is there where the login is possible, and nowhere else (XEP-0078 section 4)', async (t) => {
  const feature = (features: Element) => features.getChild('auth', NS.iqAuthFeature) !== undefined
  assert.ok(feature((await opened(t)).features))
  const { features, server } = await opened(t, { withoutTls: false })
  assert.ok(!feature(features))
  const secure = await server.connect({ direct: true })
  assert.ok(feature(await secure.open()))
  assert.ok(!feature((await opened(t, { enabled: false })).features))
})

test('where it is off, or in clear without leave, every request is service-unavailable (XEP-0078 section 3)', async (t) => {
  for (const settings of [{ enabled: false }, { withoutTls: false }]) {
    const { stream } = await opened(t, settings)
    assert.equal(errorCondition(await ask(stream, 'get', '')), 'service-unavailable')
    assert.equal(errorCondition(await ask(stream, 'set', plain('bill', 'Calli0pe'))), 'service-unavailable')
  }
})

test('a password logs in, binds the resource, and the session is like any other', async (t) => {
  const { server, stream } = await opened(t)
  const answer = await ask(stream, 'set', plain('Bill', 'Calli0pe'))
  assert.deepEqual([answer.attrs.type, answer.attrs.to, answer.children.length], ['result', 'bill@test/globe', 0])
  const [session] = server.sessions.all()
  assert.deepEqual([session?.jid.toString(), session?.mechanism], ['bill@test/globe', 'jabber:iq:auth'])
  const other = await server.login('romeo')
  other.send('<message to="bill@test/globe"><body>hello</body></message>')
  assert.equal((await stream.receive('message')).getChildText('body'), 'hello')
  await stream.close()
  await other.sync()
  assert.equal(server.sessions.count, 1)
})

test('a name with the domain is the same name', async (t) => {
  const { stream } = await opened(t)
  assert.equal((await ask(stream, 'set', plain('bill@test', 'Calli0pe'))).attrs.to, 'bill@test/globe')
})

test('a request to bind after the login is answered with the JID there is; to others it is not allowed', async (t) => {
  const { server, stream } = await opened(t)
  await ask(stream, 'set', plain('bill', 'Calli0pe'))
  assert.equal((await stream.bind('other')).toString(), 'bill@test/globe')
  const romeo = await server.login('romeo')
  assert.equal(errorCondition(await romeo.request(`<iq type="set" id="b"><bind xmlns="${NS.bind}"/></iq>`)), 'not-allowed')
})

describe('a digest', () => {
  test('logs in where passwords are kept readable', async (t) => {
    const { stream } = await opened(t, {}, readable)
    assert.deepEqual(fieldsOf(await ask(stream, 'get', '<username>bill</username>')), ['username', 'password', 'digest', 'resource'])
    const answer = await ask(stream, 'set', digested(stream, 'bill', 'Calli0pe'))
    assert.equal(answer.attrs.to, 'bill@test/globe')
  })
  test('in capitals is the same, and one of another stream is not', async (t) => {
    const { server, stream } = await opened(t, {}, readable)
    const other = await server.connect()
    await other.open()
    assert.equal(errorCondition(await ask(stream, 'set', digested(other, 'bill', 'Calli0pe'))), 'not-authorized')
    const digest = digestOf(stream, 'Calli0pe').toUpperCase()
    const answer = await ask(stream, 'set', `<username>bill</username><digest>${digest}</digest><resource>globe</resource>`)
    assert.equal(answer.attrs.type, 'result')
  })
  test('is made with the id of the stream after STARTTLS, which is another than before (RFC 6120 section 4.3.3)', async (t) => {
    const server = await start(t, {}, readable)
    const stream = await server.connect()
    await stream.open()
    const first = stream.header.id
    await stream.startTls()
    await stream.open()
    assert.notEqual(stream.header.id, first)
    assert.equal((await ask(stream, 'set', digested(stream, 'bill', 'Calli0pe'))).attrs.type, 'result')
  })
  test('is neither offered nor right where passwords are kept as keys alone', async (t) => {
    const { stream } = await opened(t)
    for (const name of ['bill', 'nobody']) {
      assert.deepEqual(fieldsOf(await ask(stream, 'get', `<username>${name}</username>`)), ['username', 'password', 'resource'])
    }
    assert.equal(errorCondition(await ask(stream, 'set', digested(stream, 'bill', 'Calli0pe'))), 'not-authorized')
    assert.equal(errorCondition(await ask(stream, 'set', digested(stream, 'bill', ''))), 'not-authorized')
  })
  test('is not offered where it is switched off, nor the password where that is', async (t) => {
    const { stream } = await opened(t, { digest: false }, readable)
    assert.deepEqual(fieldsOf(await ask(stream, 'get', '')), ['username', 'password', 'resource'])
    assert.equal(errorCondition(await ask(stream, 'set', digested(stream, 'bill', 'Calli0pe'))), 'not-authorized')
    const other = await opened(t, { password: false }, readable)
    assert.deepEqual(fieldsOf(await ask(other.stream, 'get', '')), ['username', 'digest', 'resource'])
    assert.equal(errorCondition(await ask(other.stream, 'set', plain('bill', 'Calli0pe'))), 'not-authorized')
  })
})

describe('refusals', () => {
  const cases: [string, string, string, string][] = [
    ['a wrong password', plain('bill', 'wrong'), 'not-authorized', '401'],
    ['an unknown name', plain('nobody', 'Calli0pe'), 'not-authorized', '401'],
    ['a name that can be nobody’s', plain('b ll', 'Calli0pe'), 'not-authorized', '401'],
    ['a name at another domain', plain('bill@elsewhere', 'Calli0pe'), 'not-authorized', '401'],
    ['no resource', '<username>bill</username><password>Calli0pe</password>', 'not-acceptable', '406'],
    ['no name', '<password>Calli0pe</password><resource>globe</resource>', 'not-acceptable', '406'],
    ['no proof', '<username>bill</username><resource>globe</resource>', 'not-acceptable', '406'],
    ['nothing, which Openfire takes for an anonymous login', '', 'not-acceptable', '406'],
    ['a digest that is none', '<username>bill</username><digest>zz</digest><resource>globe</resource>', 'not-authorized', '401'],
  ]
  for (const [what, fields, condition, code] of cases) {
    test(`${what}: ${condition} with code ${code}, and nothing of the request in it`, async (t) => {
      const { server, stream } = await opened(t, {}, readable)
      const answer = await ask(stream, 'set', fields)
      assert.equal(errorCondition(answer), condition)
      assert.equal(answer.getChild('error')?.attrs.code, code)
      assert.doesNotMatch(answer.toString(), /Calli0pe|<digest>|<password>/)
      assert.equal(server.sessions.count, 0)
    })
  }
  const hostile: [string, string][] = [
    ['a doubled password', `${plain('bill', 'Calli0pe')}<password>x</password>`],
    ['an element for text', '<username>bill</username><password><b/></password><resource>globe</resource>'],
    ['an oversized name', plain('b'.repeat(2000), 'Calli0pe')],
    ['an impossible resource', plain('bill', 'Calli0pe', 'r'.repeat(1024))],
  ]
  for (const [what, fields] of hostile) {
    test(`${what} is a bad request`, async (t) => {
      const { stream } = await opened(t)
      assert.equal(errorCondition(await ask(stream, 'set', fields)), 'bad-request')
    })
  }

  test('a disabled account is as unknown as any', async (t) => {
    const { server, stream } = await opened(t)
    await server.accounts.setDisabled('bill', true)
    assert.equal(errorCondition(await ask(stream, 'set', plain('bill', 'Calli0pe'))), 'not-authorized')
  })

  test('a resource that is taken: the old session ends by default, the new one is refused under reject-new', async (t) => {
    const kicking = await opened(t)
    await ask(kicking.stream, 'set', plain('bill', 'Calli0pe'))
    const second = await kicking.server.connect()
    await second.open()
    assert.equal((await ask(second, 'set', plain('bill', 'Calli0pe'))).attrs.type, 'result')
    assert.equal((await kicking.stream.closed).error, 'conflict')

    const refusing = await opened(t, {}, { c2s: { resourceConflict: 'reject-new' } })
    await ask(refusing.stream, 'set', plain('bill', 'Calli0pe'))
    const late = await refusing.server.connect()
    await late.open()
    const answer = await ask(late, 'set', plain('bill', 'Calli0pe'))
    assert.equal(errorCondition(answer), 'conflict')
    assert.equal(answer.getChild('error')?.attrs.code, '409')
    assert.equal((await ask(late, 'set', plain('bill', 'Calli0pe', 'other'))).attrs.to, 'bill@test/other')
  })

  test('five failures end the stream, and a SASL login counts with them', async (t) => {
    const { stream } = await opened(t)
    for (let i = 0; i < 4; i++) assert.equal(errorCondition(await ask(stream, 'set', plain('bill', 'wrong'))), 'not-authorized')
    await assert.rejects(stream.authenticate('PLAIN', 'bill', 'wrong'))
    assert.equal((await stream.closed).error, 'policy-violation')
  })

  test('after a failed SASL login the stream ends with policy-violation (XEP-0078 section 3)', async (t) => {
    const { server, stream } = await opened(t)
    await assert.rejects(stream.authenticate('PLAIN', 'bill', 'wrong'))
    stream.write(`<iq type="set" id="auth"><query xmlns="jabber:iq:auth">${plain('bill', 'Calli0pe')}</query></iq>`)
    assert.equal((await stream.closed).error, 'policy-violation')
    assert.equal(server.sessions.count, 0)
  })

  test('a login is over with the first: no second account on one stream', async (t) => {
    const { server, stream } = await opened(t)
    await server.accounts.create({ username: 'ted', password: 'ted' })
    stream.write(
      `<iq type="set" id="1"><query xmlns="jabber:iq:auth">${plain('bill', 'Calli0pe')}</query></iq>` +
        `<iq type="set" id="2"><query xmlns="jabber:iq:auth">${plain('ted', 'ted')}</query></iq>`,
    )
    assert.equal((await stream.receive((el) => el.attrs.id === '1')).attrs.to, 'bill@test/globe')
    assert.equal(errorCondition(await stream.receive((el) => el.attrs.id === '2')), 'service-unavailable')
    assert.equal(server.sessions.count, 1)
  })
})

test('a device registers and logs in as in seed 000, on a stream opened to an address', async (t) => {
  const server = await start(t, {}, { domain: '127.0.0.1', c2s: { readablePasswords: true, acceptAnyHost: true } })
  const stream = await server.connect()
  const features = await stream.open({ to: '192.168.8.190' })
  const { id } = stream.header
  assert.deepEqual([stream.header.from, stream.header['xml:lang'], stream.header.version], ['127.0.0.1', 'en', '1.0'])
  const offered = childElements(features).map((it) => it.getName())
  for (const name of ['starttls', 'auth', 'register']) assert.ok(offered.includes(name), name)

  stream.write(
    '<iq id="WoMGt-0" type="set"><query xmlns="jabber:iq:register"><password>88888888</password><username>westlakestudent</username><imei>862186021303189</imei></query></iq>',
  )
  const registered = await stream.receive((el) => el.attrs.id === 'WoMGt-0')
  assert.deepEqual([registered.attrs.type, registered.attrs.to, registered.children.length], ['result', `127.0.0.1/${id}`, 0])

  stream.write('<iq id="WoMGt-1" type="get"><query xmlns="jabber:iq:auth"><username>westlakestudent</username></query></iq>')
  const wanted = await stream.receive((el) => el.attrs.id === 'WoMGt-1')
  assert.deepEqual([wanted.attrs.type, wanted.attrs.to], ['result', `127.0.0.1/${id}`])
  assert.equal(
    wanted.getChild('query')?.toString(),
    '<query xmlns="jabber:iq:auth"><username>westlakestudent</username><password/><digest/><resource/></query>',
  )

  const digest = digestOf(stream, '88888888')
  stream.write(
    `<iq id="WoMGt-2" type="set"><query xmlns="jabber:iq:auth"><username>westlakestudent</username><digest>${digest}</digest><resource>WESTLAKESTUDENT</resource></query></iq>`,
  )
  const done = await stream.receive((el) => el.attrs.id === 'WoMGt-2')
  assert.deepEqual([done.attrs.type, done.attrs.to, done.children.length], ['result', 'westlakestudent@127.0.0.1/WESTLAKESTUDENT', 0])
  const [session] = server.sessions.all()
  assert.ok(session)
  const client = new TestClient(stream, session.jid)
  client.send('<presence/>')
  await client.sync()
})
