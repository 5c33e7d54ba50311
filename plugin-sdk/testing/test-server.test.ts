import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { test } from 'node:test'
import { recordInterceptor } from './record-interceptor.js'
import { startTestServer, type TestServer } from './test-server.js'

test('two clients log in and chat on a server without plugins, which is gone afterwards', async (t) => {
  let server: TestServer | undefined
  await t.test('inner', async (inner) => {
    server = await startTestServer(inner, { plugins: [] })
    const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
    assert.equal(juliet.jid.toString(), 'juliet@test/balcony')
    romeo.send('<message to="juliet@test/balcony" type="chat"><body>Wherefore?</body></message>')
    assert.equal((await juliet.receive('message')).getChildText('body'), 'Wherefore?')
    await romeo.receiveNothing()
  })
  await assert.rejects(stat(server?.dataFolder ?? ''), { code: 'ENOENT' })
  await assert.rejects(fetch(`${server?.url}/healthz`))
})

test('a shipped plugin is loaded by its name, alone with those of the test', async (t) => {
  const recorder = recordInterceptor()
  const server = await startTestServer(t, { plugins: ['ping', recorder.plugin] })
  const states = server.plugins.list().map((it) => [it.name, it.state])
  assert.deepEqual(states, [
    ['ping', 'running'],
    [recorder.plugin.name, 'running'],
  ])
  await assert.rejects(startTestServer(t, { plugins: ['pong'] }), /ships no plugin "pong"/)
})

test('receiveNothing shows what came', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const romeo = await server.login('romeo')
  romeo.send(`<message to="${romeo.jid}" id="x1"/>`)
  await assert.rejects(romeo.receiveNothing('message'), /romeo@test\/.*nothing was to come, but:.*x1/s)
})

test('a recorder shows how a message crossed the chain', async (t) => {
  const recorder = recordInterceptor()
  const server = await startTestServer(t, { plugins: [recorder.plugin] })
  const [romeo, juliet] = [await server.login('romeo', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
  romeo.send('<message to="juliet@test/b" type="chat"><body>x</body></message>')
  await juliet.receive('message')
  await romeo.sync()
  assert.deepEqual(recorder.sequence(), ['IN-pre romeo@test/a', 'OUT-pre juliet@test/b', 'OUT-post juliet@test/b', 'IN-post romeo@test/a'])
})

test('streams go through STARTTLS and direct TLS, with every mechanism', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  await server.accounts.create({ username: 'juliet', password: 'rose' })
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'] as const) {
    for (const how of [{ tls: true }, { direct: true }]) {
      const stream = await server.connect(how)
      await stream.open()
      await stream.authenticate(mechanism, 'juliet', 'rose')
      await stream.open()
      assert.equal((await stream.bind('x')).toString(), 'juliet@test/x')
      assert.deepEqual(await stream.close(), {})
    }
  }
  const stream = await server.connect()
  await stream.open()
  await assert.rejects(stream.authenticate('SCRAM-SHA-256', 'juliet', 'thorn'), /not-authorized/)
})

test('the admin API is called as administrator, unless the test brings a token of its own', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const created = await server.admin('/api/v1/users', { method: 'POST', json: { username: 'juliet', password: 'rose' } })
  assert.equal(created.status, 201, await created.text())
  assert.ok(await server.accounts.find('juliet'))
  assert.equal((await server.admin('/api/v1/users', { headers: { authorization: 'Bearer wrong' } })).status, 401)
})

test('tables in memory leave no file, and serve as those in one do', async (t) => {
  const server = await startTestServer(t, { database: 'memory' })
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  romeo.send('<message to="juliet@test" type="chat"><body>Wherefore?</body></message>')
  await romeo.sync()
  const juliet = await server.login('juliet')
  await juliet.expect('<message from="*" to="*"><body>Wherefore?</body><delay xmlns="urn:xmpp:delay" stamp="*"/></message>', { extras: true })
  assert.deepEqual(
    (await readdir(server.dataFolder)).filter((it) => it.includes('sqlite')),
    [],
  )
})

test('a client comes from the address that the test gives it', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  await server.accounts.create({ username: 'juliet', password: 'rose' })
  const stream = await server.connect({ from: '127.0.0.2' })
  await stream.open()
  await stream.authenticate('PLAIN', 'juliet', 'rose')
  await stream.open()
  assert.equal(server.sessions.get(await stream.bind())?.remoteAddress, '127.0.0.2')
})
