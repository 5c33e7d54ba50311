import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type TestContext } from 'node:test'
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import { ContributionConflict } from '../plugin-host/registries.js'
import { start, TOKEN } from './admin-server.fixture.js'

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-admin-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const get = (path: `/${string}`, handle: AdminRoute['handle']): AdminRoute => ({ method: 'GET', path, summary: 'test', handle })

const thing = adminRoute({
  method: 'POST',
  path: '/things/:id',
  summary: 'Makes a thing',
  params: Type.Object({ id: Type.Integer() }),
  query: Type.Object({ limit: Type.Integer({ minimum: 1, default: 7 }) }),
  body: Type.Object({ name: Type.String(), password: Type.Optional(Type.String()), inner: Type.Optional(Type.Object({ deep: Type.Boolean() })) }),
  response: Type.Object({ id: Type.Integer(), limit: Type.Integer(), name: Type.String() }),
  status: 201,
  handle({ params, query, body }) {
    if (body.name === 'taken') throw new AdminError(409, 'taken', 'there is one already', 'body.name')
    if (body.name === 'broken') throw new Error('inner secret')
    return { id: params.id, limit: query.limit, name: body.name, hidden: 'not in the schema' }
  },
})

test('only the right bearer token gets in, and every other is answered alike', async (t) => {
  const { call, url } = await start(t, [get('/things', () => ({ ok: true }))])
  assert.equal((await call('/api/v1/things')).status, 200)
  const headers = [
    undefined,
    'Bearer wrong',
    'Bearer ',
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `${TOKEN}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    'Bearer \u00e4',
  ]
  const answers = await Promise.all(
    headers.flatMap((authorization) =>
      ['/api/v1/things', '/api/v1/unknown', '/api/v1', '/%61pi/v1/things', '/metrics'].map(async (path) => {
        const answer = await fetch(`${url}${path}`, authorization === undefined ? {} : { headers: { authorization } })
        return path === '/metrics' ? undefined : [answer.status, answer.headers.get('www-authenticate'), await answer.text()].join(' ')
      }),
    ),
  )
  const kinds = new Set(answers.filter((it) => it !== undefined))
  assert.equal(kinds.size <= 2, true) // 401, and 429 once there were twenty wrong ones
  assert.ok([...kinds].some((it) => it.startsWith('401 Bearer {"statusCode":401')))
  assert.equal((await call('/api/v1/unknown')).status, 404)
})

test('an address with twenty wrong tokens has to wait, but the right token still passes from loopback', async (t) => {
  const { call } = await start(t, [get('/things', () => ({}))])
  for (let i = 0; i < 20; i++) assert.equal((await call('/api/v1/things', { token: `wrong${i}` })).status, 401)
  const refused = await call('/api/v1/things', { token: 'wrong' })
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  assert.equal((await call('/api/v1/things')).status, 200)
})

test('values of path and query are read by their schema, the reply holds what its schema names', async (t) => {
  const { call } = await start(t, [thing])
  const made = await call('/api/v1/things/5?limit=3', { method: 'POST', body: '{"name":"x"}' })
  assert.equal(made.status, 201)
  assert.deepEqual(await made.json(), { id: 5, limit: 3, name: 'x' })
  assert.equal(made.headers.get('cache-control'), 'no-store')
  assert.equal(made.headers.get('x-content-type-options'), 'nosniff')
  assert.deepEqual(await (await call('/api/v1/things/5', { method: 'POST', body: '{"name":"x"}' })).json(), { id: 5, limit: 7, name: 'x' })
})

test('a validation error names the field', async (t) => {
  const { call } = await start(t, [thing])
  const refusedField = async (path: string, body: string) => {
    const answer = await call(path, { method: 'POST', body })
    const { statusCode, code, field } = (await answer.json()) as Record<string, unknown>
    assert.deepEqual([answer.status, statusCode, code], [400, 400, 'validation'])
    return field
  }
  assert.equal(await refusedField('/api/v1/things/x', '{"name":"x"}'), 'params.id')
  assert.equal(await refusedField('/api/v1/things/1?limit=0', '{"name":"x"}'), 'query.limit')
  assert.equal(await refusedField('/api/v1/things/1?limit=many', '{"name":"x"}'), 'query.limit')
  assert.equal(await refusedField('/api/v1/things/1?limti=2', '{"name":"x"}'), 'query.limti')
  assert.equal(await refusedField('/api/v1/things/1', '{}'), 'body.name')
  assert.equal(await refusedField('/api/v1/things/1', '{"name":5}'), 'body.name')
  assert.equal(await refusedField('/api/v1/things/1', '{"name":"x","nam":1}'), 'body.nam')
  assert.equal(await refusedField('/api/v1/things/1', '{"name":"x","inner":{"deep":"true"}}'), 'body.inner.deep')
  assert.equal(await refusedField('/api/v1/things/1', '{"name":"x","inner":{"deep":true,"x":1}}'), 'body.inner.x')
  assert.equal(await refusedField('/api/v1/things/1', ''), 'body')
})

test('what cannot be read is refused in JSON', async (t) => {
  const { call } = await start(t, [thing])
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const answer = await call('/api/v1/things/1', {
      method: 'POST',
      body: new Blob([body]),
      headers: { 'content-type': 'application/json', ...headers },
    })
    return [answer.status, ((await answer.json()) as { code: string }).code]
  }
  assert.deepEqual(await post('{"name":'), [400, 'bad-request'])
  assert.deepEqual(await post('{"__proto__":{}}'), [400, 'bad-request'])
  assert.deepEqual(await post('name=x', { 'content-type': 'application/x-www-form-urlencoded' }), [415, 'unsupported-media-type'])
  assert.deepEqual(await post(JSON.stringify({ name: 'x'.repeat(1024 * 1024) })), [413, 'too-large'])
})

test('an expected refusal has its status; an unexpected error leaks nothing and is logged under its id', async (t) => {
  const { call, errors } = await start(t, [thing])
  const refused = await call('/api/v1/things/1', { method: 'POST', body: '{"name":"taken"}' })
  assert.equal(refused.status, 409)
  assert.deepEqual(await refused.json(), { statusCode: 409, code: 'taken', message: 'there is one already', field: 'body.name' })
  const failed = await call('/api/v1/things/1', { method: 'POST', body: '{"name":"broken"}' })
  const text = await failed.text()
  assert.equal(failed.status, 500)
  assert.ok(!text.includes('secret'))
  assert.deepEqual(
    errors.map((it) => it.fields.id),
    [(JSON.parse(text) as { id: string }).id],
  )
})

test('every authenticated write is audited, refused ones too, without its secrets', async (t) => {
  const { call, acts } = await start(t, [thing, get('/things', () => ({}))])
  await call('/api/v1/things')
  await call('/api/v1/things/1', { method: 'POST', body: '{"name":"x"}', token: 'wrong' })
  assert.equal(acts.length, 0)
  await call('/api/v1/things/1', { method: 'POST', body: '{"name":"x","password":"hush"}' })
  await call('/api/v1/things/1', { method: 'POST', body: '{"name":"taken"}' })
  await call('/api/v1/things/1', { method: 'POST', body: '{"password":"hush"}' })
  await call('/api/v1/unknown', { method: 'DELETE' })
  assert.deepEqual(
    acts.map((it) => `${it.administrator}: ${it.summary}`),
    ['POST /api/v1/things/1 → 201', 'POST /api/v1/things/1 → 409', 'POST /api/v1/things/1 → 400', 'DELETE /api/v1/unknown → 404'].map(
      (it) => `admin: ${it}`,
    ),
  )
  assert.deepEqual(JSON.parse(acts[0]?.details ?? ''), {
    address: '127.0.0.1',
    params: { id: 1 },
    query: { limit: 7 },
    body: { name: 'x', password: '(redacted)' },
  })
  assert.ok(!JSON.stringify(acts).includes('hush') && !JSON.stringify(acts).includes(TOKEN))
})

test('an act that the audit log cannot take is answered and logged', async (t) => {
  const { call, errors } = await start(t, [thing], { audit: { record: () => Promise.reject(new Error('disk full')) } })
  assert.equal((await call('/api/v1/things/1', { method: 'POST', body: '{"name":"x"}' })).status, 201)
  assert.equal(errors[0]?.fields.summary, 'POST /api/v1/things/1 → 201')
})

test('routes that come and go under load: no request fails', async (t) => {
  const { server, call } = await start(t, [get('/steady', () => new Promise((resolve) => setImmediate(() => resolve({ ok: true }))))])
  let running = true
  let served = 0
  const load = Array.from({ length: 8 }, async () => {
    while (running) {
      const answer = await call('/api/v1/steady')
      assert.equal(answer.status, 200)
      await answer.arrayBuffer()
      served++
    }
  })
  for (let i = 0; i < 10; i++) {
    const undo = server.addRoutes('flicker', [get('/', () => ({ i }))])
    assert.deepEqual(await (await call('/api/v1/plugins/flicker')).json(), { i })
    undo()
    assert.equal((await call('/api/v1/plugins/flicker')).status, 404)
  }
  running = false
  await Promise.all(load)
  assert.ok(served > 20)
})

test('changes of one turn make one rebuild, and a start-up builds once', async (t) => {
  const { server, call, debugs } = await start(t, [thing])
  const builds = () => debugs.filter((it) => it.message === 'admin routes mounted').map((it) => it.fields.routes)
  assert.deepEqual(builds(), [1])
  const undos = ['one', 'two', 'three'].map((owner) => server.addRoutes(owner, [get('/', () => ({ owner }))]))
  assert.deepEqual(await (await call('/api/v1/plugins/three')).json(), { owner: 'three' })
  for (const undo of undos) undo()
  await server.whenMounted()
  assert.deepEqual(builds(), [1, 4, 1])
})

test('a request in flight is answered by the application that took it, after its routes are gone', async (t) => {
  const { server, call } = await start(t)
  const steps = new EventEmitter()
  const slow = get('/slow', async () => {
    steps.emit('entered')
    const [answer] = await once(steps, 'finish')
    return answer
  })
  const undo = server.addRoutes('slow-one', [slow])
  const entered = once(steps, 'entered')
  const pending = call('/api/v1/plugins/slow-one/slow')
  await entered
  undo()
  await server.whenMounted()
  assert.equal((await call('/api/v1/plugins/slow-one/slow')).status, 404)
  steps.emit('finish', { late: true })
  assert.deepEqual(await (await pending).json(), { late: true })
})

test('a path that is taken, or hidden by another, is a conflict that names both owners', async (t) => {
  const { server, call } = await start(t, [get('/users/:name', () => ({})), get('/plugins/:name', () => ({ core: true }))])
  const conflict = (owner: string, route: AdminRoute) =>
    assert.throws(
      () => server.addRoutes(owner, [route]),
      (error) => error instanceof ContributionConflict && error.message.includes(owner) && error.message.includes('core'),
    )
  conflict('one', { ...get('/users/:other', () => ({})), topLevel: true })
  conflict('one', { ...get('/users/export', () => ({})), topLevel: true })
  conflict(
    'one',
    get('/', () => ({})),
  )
  server.addRoutes('one', [get('/things', () => ({ mine: true }))])
  assert.deepEqual(await (await call('/api/v1/plugins/one/things')).json(), { mine: true })
  assert.deepEqual(await (await call('/api/v1/plugins/one')).json(), { core: true })
  assert.throws(() => server.addRoutes('two', [get('/a*', () => ({}))]), TypeError)
  assert.throws(() => server.addRoutes('two', [{ ...get('/a', () => ({})), query: { type: 'nonsense' } as never }]), TypeError)
  assert.equal((await call('/api/v1/plugins/two/a')).status, 404)
})

test("the documentation lists a plugin's route while it is mounted, and needs no token", async (t) => {
  const { server, call } = await start(t, [thing])
  const paths = async () => Object.keys(((await (await call('/api/docs/json', { token: null })).json()) as { paths: object }).paths)
  const undo = server.addRoutes('chatlog', [{ ...get('/chatlogs', () => ({})), topLevel: true }])
  assert.deepEqual(await paths(), ['/api/v1/things/{id}', '/api/v1/chatlogs'])
  undo()
  assert.deepEqual(await paths(), ['/api/v1/things/{id}'])
  const page = await call('/api/docs/', { token: null })
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/)
})

test('a stream is sent as a download with a safe name', async (t) => {
  const { call } = await start(t, [
    get('/export', () => ({ contentType: 'text/csv', fileName: 'a"/../é\n.csv', stream: Readable.from(['a,b\n', '1,2\n']) })),
  ])
  const answer = await call('/api/v1/export')
  assert.equal(await answer.text(), 'a,b\n1,2\n')
  assert.equal(answer.headers.get('content-type'), 'text/csv')
  assert.equal(answer.headers.get('content-disposition'), `attachment; filename="a__..___.csv"; filename*=UTF-8''a%22_.._%C3%A9_.csv`)
})

test('a stream that fails half-way cuts the connection and is logged', async (t) => {
  async function* broken() {
    yield 'first'
    await new Promise(setImmediate)
    throw new Error('table gone')
  }
  const { call, errors } = await start(t, [get('/export', () => ({ contentType: 'text/plain', stream: Readable.from(broken()) }))])
  await assert.rejects(async () => (await call('/api/v1/export')).text())
  assert.deepEqual(
    errors.map((it) => it.message),
    ['a streamed answer broke off'],
  )
})

test('a client that goes away ends the stream it asked for', async (t) => {
  const stream = new Readable({ read: () => undefined })
  stream.push('first')
  const { call } = await start(t, [get('/export', () => ({ contentType: 'text/plain', stream }))])
  const abort = new AbortController()
  const answer = await call('/api/v1/export', { signal: abort.signal })
  const closed = once(stream, 'close')
  abort.abort()
  await closed
  assert.ok(stream.destroyed)
  await assert.rejects(answer.text())
})

test('a first start makes a token, keeps its hash alone, and later starts know it', async (t) => {
  const dataFolder = join(await tempFolder(t), 'data')
  const first = await start(t, [get('/things', () => ({}))], { token: undefined, dataFolder })
  const token = first.server.firstStartToken
  assert.ok(token && token.length >= 43)
  const file = join(dataFolder, 'admin-token.sha256')
  assert.match(await readFile(file, 'utf8'), /^[0-9a-f]{64}\n$/)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const second = await start(t, [get('/things', () => ({}))], { token: undefined, dataFolder })
  assert.equal(second.server.firstStartToken, undefined)
  for (const { call } of [first, second]) assert.equal((await call('/api/v1/things', { token })).status, 200)
})

test('a listener on loopback answers to its own names only', async (t) => {
  const { port } = await start(t, [], { domain: 'im.example' })
  const statusFor = async (host: string) => {
    const request = httpRequest({ port, host: '127.0.0.1', path: '/healthz', headers: { host } }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }
  for (const host of ['localhost', 'LOCALHOST:9090', '127.0.0.1:1', '[::1]:9090', 'im.example:9090']) assert.equal(await statusFor(host), 200, host)
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:9090', 'evil.example:localhost'])
    assert.equal(await statusFor(host), 421, host)
})

test('probes need no token, metrics do', async (t) => {
  let ready = false
  const { call } = await start(t, [], { isReady: () => ready, metricsText: async () => 'up 1\n' })
  assert.equal((await call('/healthz', { token: null })).status, 200)
  assert.equal((await call('/readyz', { token: null })).status, 503)
  ready = true
  assert.equal((await call('/readyz', { token: null })).status, 200)
  assert.equal((await call('/metrics', { token: null })).status, 401)
  assert.equal(await (await call('/metrics')).text(), 'up 1\n')
  assert.equal((await call('/nowhere', { token: null })).status, 404)
})

test('a handler that returns nothing is answered 204, and HEAD is served', async (t) => {
  const { call } = await start(t, [{ ...get('/things', () => undefined), method: 'DELETE' }, get('/things', () => ({ a: 1 }))])
  assert.equal((await call('/api/v1/things', { method: 'DELETE' })).status, 204)
  assert.equal((await call('/api/v1/things', { method: 'HEAD' })).status, 200)
})

test('an address that cannot be decoded is refused in the form of every other refusal, and not echoed', async (t) => {
  const { call } = await start(t, [get('/things/:id', () => ({ ok: true }))])
  const answer = await call('/api/v1/things/%ff')
  assert.equal(answer.status, 400)
  assert.deepEqual(await answer.json(), { statusCode: 400, code: 'bad-request', message: 'the request cannot be read' })
})
