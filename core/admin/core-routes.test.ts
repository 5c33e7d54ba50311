import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  type Account,
  AccountConflict,
  AccountMissing,
  type Accounts,
  type AdminRoute,
  type ClientSession,
  Jid,
  JidError,
  PasswordRefused,
  type Sessions,
} from '@beaconfire/plugin-sdk'
import { type PluginControl, PluginLoadFailed, PluginMissing, type PluginStatus } from '../plugin-host/registries.js'
import { start, TOKEN } from './admin-server.fixture.js'
import { auditRoutes } from './audit-routes.js'
import { pluginsRoutes } from './plugins-routes.js'
import { serverRoutes } from './server-routes.js'
import { sessionsRoutes } from './sessions-routes.js'
import { usersRoutes } from './users-routes.js'

const AT = new Date('2026-01-02T03:04:05.000Z')

async function serve(t: TestContext, routes: readonly AdminRoute[]) {
  const { url } = await start(t, routes)
  return async (call: string, body?: object) => {
    const [method = '', path = ''] = call.split(' ')
    const headers = { authorization: `Bearer ${TOKEN}`, ...(body && { 'content-type': 'application/json' }) }
    const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: body ? JSON.stringify(body) : null })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) }
  }
}

/** Accounts in a map, refusing what the contract says must be refused. */
function accountsOf(...names: string[]): Accounts & { passwords: Map<string, string> } {
  const kept = new Map<string, Account>()
  const passwords = new Map<string, string>()
  const need = (username: string): Account => {
    const account = kept.get(username)
    if (!account) throw new AccountMissing(username)
    return account
  }
  const change = (username: string, changes: Partial<Account>): Account => {
    const changed = { ...need(username), ...changes }
    kept.set(username, changed)
    return changed
  }
  const make = (username: string, name?: string, email?: string): Account => {
    const account = { username, name, email, createdAt: AT, modifiedAt: AT, disabled: false }
    kept.set(username, account)
    return account
  }
  for (const name of names) make(name)
  return {
    passwords,
    exists: (username) => kept.has(username),
    find: async (username) => kept.get(username),
    list: async ({ search = '', after = '', limit }) => {
      assert.ok(limit >= 1 && limit <= 1000)
      return [...kept.values()].filter((it) => it.username > after && it.username.includes(search)).slice(0, limit)
    },
    count: async () => kept.size,
    create: async ({ username, password, name, email }) => {
      if (kept.has(username)) throw new AccountConflict(username)
      if (password === '\n') throw new PasswordRefused('password: U+000A is not allowed')
      if (username.includes(' ')) throw new JidError('localpart: U+0020 is not allowed')
      return make(username, name, email)
    },
    setPassword: async (username, password) => {
      need(username)
      passwords.set(username, password)
    },
    update: async (username, changes) => change(username, changes),
    setDisabled: async (username, disabled) => void change(username, { disabled }),
    remove: async (username) => {
      need(username)
      kept.delete(username)
    },
    offersDigest: () => false,
    verifyDigest: async () => false,
    verifyPassword: async () => false,
  }
}

test('users are listed page by page, and searched', async (t) => {
  const call = await serve(t, usersRoutes(accountsOf('anna', 'ben', 'bert', 'carl')))
  const first = await call('GET /users?limit=3')
  assert.deepEqual(first.json.items[0], { username: 'anna', createdAt: AT.toISOString(), modifiedAt: AT.toISOString(), disabled: false })
  assert.equal(first.json.nextCursor, 'bert')
  const second = await call('GET /users?limit=3&cursor=bert')
  assert.deepEqual([second.json.items.length, second.json.nextCursor], [1, undefined])
  assert.deepEqual((await call('GET /users?search=be&limit=2')).json.nextCursor, undefined)
  assert.equal((await call('GET /users?limit=1000')).json.items.length, 4)
  assert.equal((await call('GET /users?limit=1001')).json.field, 'query.limit')
})

test('a user is created, changed, disabled, enabled and deleted', async (t) => {
  const accounts = accountsOf()
  const call = await serve(t, usersRoutes(accounts))
  const made = await call('POST /users', { username: 'dora', password: 'pw', name: 'Dora' })
  assert.deepEqual([made.status, made.json.username, made.json.name, 'password' in made.json], [201, 'dora', 'Dora', false])
  assert.equal((await call('PATCH /users/dora', { email: 'd@example.org' })).json.email, 'd@example.org')
  assert.equal((await call('PUT /users/dora/password', { password: 'new' })).status, 204)
  assert.equal(accounts.passwords.get('dora'), 'new')
  assert.equal((await call('POST /users/dora/disable')).json.disabled, true)
  assert.equal((await call('POST /users/dora/enable')).json.disabled, false)
  assert.equal((await call('DELETE /users/dora')).status, 204)
  assert.equal((await call('GET /users/dora')).status, 404)
})

test('what the account store refuses has its status and field', async (t) => {
  const call = await serve(t, usersRoutes(accountsOf('anna')))
  const refusal = async (request: string, body?: object) => {
    const { status, json } = await call(request, body)
    return [status, json.code, json.field]
  }
  assert.deepEqual(await refusal('POST /users', { username: 'anna', password: 'x' }), [409, 'user-exists', 'body.username'])
  assert.deepEqual(await refusal('POST /users', { username: 'a b', password: 'x' }), [400, 'username-malformed', 'body.username'])
  assert.deepEqual(await refusal('POST /users', { username: 'b', password: '\n' }), [400, 'password-refused', 'body.password'])
  assert.deepEqual(await refusal('POST /users', { username: 'b' }), [400, 'validation', 'body.password'])
  for (const request of ['GET /users/x', 'DELETE /users/x', 'POST /users/x/disable']) {
    assert.deepEqual(await refusal(request), [404, 'user-not-found', undefined])
  }
  assert.equal((await refusal('PATCH /users/x', { name: 'n' }))[0], 404)
  assert.equal((await refusal('PUT /users/x/password', { password: 'n' }))[0], 404)
})

function sessionsOf(closed: string[], ...jids: string[]): Sessions {
  const all = jids.map((text) => {
    const close = (condition?: string) => void closed.push(`${text} ${condition}`)
    const plain = { kind: 'client', id: `s-${text}`, jid: Jid.parse(text), remoteAddress: '::1', secure: true, mechanism: 'SCRAM-SHA-256' }
    return { ...plain, connectedAt: AT, presence: undefined, isAvailable: false, priority: 0, isOpen: true, close } as unknown as ClientSession
  })
  return {
    get: (jid) => all.find((it) => it.jid.equals(jid)),
    ofUser: (jid) => all.filter((it) => it.jid.bare().equals(jid.bare())),
    all: () => all.values(),
    count: all.length,
  }
}

test('sessions are listed by JID, page by page and by user, and closed by full JID', async (t) => {
  const closed: string[] = []
  const call = await serve(t, sessionsRoutes(sessionsOf(closed, 'c@d/1', 'a@d/2', 'a@d/1', 'b@d/x y/z')))
  const names = (items: { jid: string }[]) => items.map((it) => it.jid)
  const first = await call('GET /sessions?limit=2')
  assert.deepEqual([names(first.json.items), first.json.nextCursor], [['a@d/1', 'a@d/2'], 'a@d/2'])
  const second = await call(`GET /sessions?limit=2&cursor=${encodeURIComponent(first.json.nextCursor)}`)
  assert.deepEqual([names(second.json.items), second.json.nextCursor], [['b@d/x y/z', 'c@d/1'], undefined])
  assert.deepEqual(names((await call('GET /sessions?user=A')).json.items), ['a@d/1', 'a@d/2'])
  const path = `/sessions/${encodeURIComponent('b@d/x y/z')}`
  assert.equal((await call(`GET ${path}`)).json.mechanism, 'SCRAM-SHA-256')
  assert.equal((await call(`DELETE ${path}`)).status, 204)
  assert.deepEqual(closed, ['b@d/x y/z policy-violation'])
  for (const unknown of ['a@d%2F9', 'a@d', '%20']) assert.equal((await call(`DELETE /sessions/${unknown}`)).status, 404)
})

const ECHO: PluginStatus = {
  name: 'echo',
  version: '1.0.0',
  description: undefined,
  state: 'running',
  folder: 'plugins/echo',
  error: 'index.ts:3: unexpected token',
  loadedAt: AT,
  reloads: 2,
  warning: undefined,
  staleVersions: 0,
  requires: [],
  provides: ['roster'],
  contributions: { interceptors: ['echo/log'] },
}

test('plugins show their state, and are reloaded and looked for', async (t) => {
  const plugins: PluginControl = {
    list: () => [ECHO],
    find: (name) => (name === 'echo' ? ECHO : undefined),
    reload: async (name) => {
      if (name === 'broken') throw new PluginLoadFailed('broken: setup threw')
      if (name !== 'echo') throw new PluginMissing(name)
      return { ...ECHO, reloads: 3 }
    },
    unload: async () => ({ ...ECHO, state: 'unloaded' }),
    rescan: async () => [],
    install: async () => ECHO,
    startShadow: () => Promise.reject(new PluginMissing('none')),
    shadowStatus: () => undefined,
    endShadow: async () => false,
    promoteShadow: () => Promise.reject(new PluginMissing('none')),
  }
  const counted = { calls: 5, rejections: 0, errors: 1, overruns: 0, skipped: 0, totalMs: 2.5, slowestMs: 1 }
  const breaker = {
    band: 'observe',
    off: false,
    breaker: 'closed' as const,
    onError: 'open' as const,
    budget: 1000,
    ...counted,
    lastError: undefined,
  }
  const interceptors = () => ['echo', 'other'].map((plugin) => ({ name: `${plugin}/log`, plugin, ...breaker }))
  const call = await serve(t, pluginsRoutes(plugins, interceptors))
  const { json } = await call('GET /plugins/echo')
  assert.deepEqual([json.state, json.version, json.error], ['running', '1.0.0', 'index.ts:3: unexpected token'])
  assert.deepEqual(json.contributions, { interceptors: ['echo/log'] })
  assert.deepEqual(json.interceptors, [
    { name: 'echo/log', plugin: 'echo', band: 'observe', off: false, breaker: 'closed', onError: 'open', budget: 1000, ...counted },
  ])
  assert.equal((await call('GET /plugins')).json.items.length, 1)
  assert.equal((await call('POST /plugins/echo/reload')).json.reloads, 3)
  assert.deepEqual((await call('POST /plugins/rescan')).json, { items: [] })
  const failed = await call('POST /plugins/broken/reload')
  assert.deepEqual([failed.status, failed.json.message], [422, 'broken: setup threw'])
  assert.equal((await call('POST /plugins/unknown/reload')).status, 404)
  assert.equal((await call('GET /plugins/unknown')).status, 404)
})

test('the server says what it is and how it is doing', async (t) => {
  const call = await serve(
    t,
    serverRoutes(() => ({ version: '0.1.0', domain: 'im.example', sessions: 2, connections: 3, plugins: 4 })),
  )
  const { json } = await call('GET /server')
  assert.deepEqual([json.version, json.domain, json.sessions, json.connections, json.plugins], ['0.1.0', 'im.example', 2, 3, 4])
  assert.equal(json.node, process.version)
  assert.ok(json.uptime > 0 && json.memory.rss > 0)
  assert.equal((await call('GET ')).json.documentation, '/api/docs')
})

test('the audit log is read by time and page', async (t) => {
  const asked: unknown[] = []
  const list = async (query: unknown) => {
    asked.push(query)
    return [3, 2].map((id) => ({ id, at: AT, administrator: 'admin', summary: 'did', node: 'n1' }))
  }
  const call = await serve(t, auditRoutes({ list }))
  const { json } = await call('GET /audit?limit=1&cursor=9&from=2026-01-01T00:00:00Z')
  assert.deepEqual(json, { items: [{ id: 3, at: AT.toISOString(), administrator: 'admin', summary: 'did', node: 'n1' }], nextCursor: '3' })
  assert.deepEqual(asked, [{ administrator: undefined, from: new Date('2026-01-01T00:00:00Z'), to: undefined, before: 9, limit: 2 }])
  assert.equal((await call('GET /audit?from=yesterday')).json.field, 'query.from')
})
