import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { AdminRoute } from '@beaconfire/plugin-sdk'
import { ContributionConflict } from '../plugin-host/registries.js'
import { start, TOKEN } from './admin-server.fixture.js'
import { consoleRoutes } from './console-routes.js'

const PERSON = { accept: 'text/html,*/*;q=0.8' }
const things: AdminRoute[] = ['GET', 'POST'].map((method) => ({ method: method as 'GET', path: '/things', summary: 'test', handle: () => ({}) }))

/** A folder with a page, and beside it what must not be reached. */
async function pageFolder(t: TestContext): Promise<string> {
  const above = await realpath(await mkdtemp(join(tmpdir(), 'beaconfire-console-')))
  t.after(() => rm(above, { recursive: true, force: true }))
  const folder = join(above, 'page')
  await mkdir(join(folder, 'sub'), { recursive: true })
  await writeFile(join(above, 'secret.txt'), 'secret')
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>A page</title>')
  await writeFile(join(folder, 'sub/index.html'), '<!doctype html><title>Below</title>')
  await writeFile(join(folder, 'page.js'), 'export {}')
  await writeFile(join(folder, '.hidden'), 'secret')
  await symlink(join(above, 'secret.txt'), join(folder, 'link.txt'))
  await symlink(above, join(folder, 'up'))
  await symlink('page.js', join(folder, 'same.js'))
  return folder
}

/** A browser with the cookies of one server. */
async function browser(t: TestContext, options: Parameters<typeof start>[2] = {}) {
  const started = await start(t, things, options)
  let cookie: string | undefined
  const visit = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { ...PERSON, ...(cookie !== undefined && { cookie }), ...(init.headers as object) }
    const answer = await fetch(`${started.url}${path}`, { redirect: 'manual', ...init, headers })
    const set = answer.headers.get('set-cookie')
    if (set !== null) cookie = set.includes('Expires=Thu, 01 Jan 1970') ? undefined : set.split(';', 1)[0]
    return answer
  }
  const submit = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    visit(path, { method: 'POST', body: new URLSearchParams(form), headers })
  const logIn = (token = TOKEN, next = '/console/') => submit('/console/login', { token, next })
  const session = async () => (await (await visit('/console/session')).json()) as { administrator: string; csrfToken: string }
  return { ...started, visit, submit, logIn, session, cookie: () => cookie }
}

test('who is not logged in is led to the login, and from there to the page that was asked for', async (t) => {
  const { server, visit, submit, logIn, acts } = await browser(t)
  server.consolePages.add('hello', [{ name: 'status', title: 'Status', folder: await pageFolder(t) }])
  const led = await visit('/console/plugins/hello/status/?a=b')
  assert.deepEqual([led.status, led.headers.get('location')], [303, '/console/login?next=%2Fconsole%2Fplugins%2Fhello%2Fstatus%2F%3Fa%3Db'])
  const form = await visit(led.headers.get('location') ?? '')
  assert.match(await form.text(), /<input type="hidden" name="next" value="\/console\/plugins\/hello\/status\/\?a=b">/)
  const refused = await logIn('wrong')
  assert.equal(refused.status, 401)
  assert.match(await refused.text(), /role="alert"/)
  assert.equal((await visit('/console/')).status, 303)
  const admitted = await logIn(TOKEN, '/console/plugins/hello/status/?a=b')
  assert.deepEqual([admitted.status, admitted.headers.get('location')], [303, '/console/plugins/hello/status/?a=b'])
  assert.match(admitted.headers.get('set-cookie') ?? '', /; Path=\/; HttpOnly; SameSite=Strict$/)
  assert.equal((await visit('/console/plugins/hello/status/?a=b')).status, 200)
  assert.deepEqual(
    acts.map((it) => `${it.administrator}: ${it.summary}`),
    ['admin: POST /console/login → 303'],
  )
  assert.ok(!JSON.stringify(acts).includes(TOKEN))
  const behindTls = await submit('/console/login', { token: TOKEN }, { 'x-forwarded-proto': 'https' })
  assert.match(behindTls.headers.get('set-cookie') ?? '', /; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  assert.equal((await submit('/console/login', { token: TOKEN }, { 'sec-fetch-site': 'cross-site' })).status, 403)
})

test('a login leads nowhere but into the console', async (t) => {
  const { logIn } = await browser(t)
  for (const next of [
    'https://evil.example/console/',
    '//evil.example/console/',
    '/console/..//evil.example',
    '/\\evil.example/console/',
    '/api/docs/',
    'x',
    '',
  ]) {
    assert.equal((await logIn(TOKEN, next)).headers.get('location'), '/console/', next)
  }
})

test('wrong tokens at the login count as those of the API, and the right one still passes from loopback', async (t) => {
  const { logIn, call } = await browser(t)
  for (let i = 0; i < 20; i++) assert.equal((await logIn(`wrong${i}`)).status, 401)
  const refused = await logIn('wrong')
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  assert.equal((await call('/api/v1/things', { token: 'wrong' })).status, 429)
  assert.equal((await logIn()).status, 303)
})

test('the cookie opens the admin API for reading, and for writing only with the CSRF token', async (t) => {
  const { visit, logIn, session, acts } = await browser(t)
  assert.equal((await visit('/api/v1/things')).status, 401)
  await logIn()
  assert.equal((await visit('/api/v1/things')).status, 200)
  const { administrator, csrfToken } = await session()
  assert.equal(administrator, 'admin')
  const write = (headers: Record<string, string>) => visit('/api/v1/things', { method: 'POST', headers })
  const unlike: Record<string, string>[] = [{}, { 'x-csrf-token': '' }, { 'x-csrf-token': `${csrfToken}x` }]
  for (const headers of unlike) {
    const refused = await write(headers)
    assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [403, 'csrf'])
  }
  assert.equal((await write({ 'x-csrf-token': csrfToken })).status, 200)
  assert.equal((await write({ 'x-csrf-token': csrfToken, authorization: 'Bearer wrong' })).status, 401)
  assert.deepEqual(
    acts.map((it) => it.summary),
    ['POST /console/login → 303', 'POST /api/v1/things → 200'],
  )
})

test('after the logout, which nobody else can send, the cookie is worth nothing', async (t) => {
  const { visit, submit, logIn, session, cookie, url, acts } = await browser(t)
  await logIn()
  const [kept, { csrfToken }] = [cookie() ?? '', await session()]
  assert.match(await (await visit('/console/')).text(), new RegExp(`name="csrfToken" value="${csrfToken}"`))
  assert.equal((await submit('/console/logout', { csrfToken: 'x' })).status, 403)
  assert.equal((await visit('/console/')).status, 200)
  const ended = await submit('/console/logout', { csrfToken })
  assert.deepEqual([ended.status, ended.headers.get('location'), cookie()], [303, '/console/login', undefined])
  assert.equal((await fetch(`${url}/api/v1/things`, { headers: { cookie: kept } })).status, 401)
  assert.equal(acts.at(-1)?.summary, 'POST /console/logout → 303')
})

test('the list has the pages of all plugins, and the address of the listener leads there', async (t) => {
  const { server, visit, logIn, call } = await browser(t)
  const folder = await pageFolder(t)
  assert.equal((await visit('/')).headers.get('location'), '/console/')
  await logIn()
  assert.match(await (await visit('/console/')).text(), /No plugin has a page here/)
  server.consolePages.add('two', [{ name: 'status', title: 'A <b>&amp; "more"', folder }])
  const undo = server.consolePages.add('one', [
    { name: 'status', title: 'Status', folder },
    { name: 'more', title: 'More', folder: pathToFileURL(`${folder}/`) },
  ])
  const list = await (await visit('/console/')).text()
  const links = [...list.matchAll(/<a href="(\/console\/plugins[^"]*)">([^<]*)</g)].map(([, path, title]) => `${path} ${title}`)
  const two = '/console/plugins/two/status/ A &lt;b&gt;&amp;amp; &quot;more&quot;'
  assert.deepEqual(links, ['/console/plugins/one/status/ Status', '/console/plugins/one/more/ More', two])
  server.addRoutes('core', consoleRoutes(server.consolePages))
  undo()
  assert.deepEqual(await (await call('/api/v1/console/pages')).json(), {
    pages: [{ plugin: 'two', name: 'status', title: 'A <b>&amp; "more"', path: '/console/plugins/two/status/' }],
  })
})

test('files of a page have their types, a strict policy, and are kept by nobody', async (t) => {
  const { server, call } = await browser(t)
  const undo = server.consolePages.add('hello', [{ name: 'status', title: 'Status', folder: await pageFolder(t) }])
  const page = await call('/console/plugins/hello/status/')
  assert.deepEqual([page.status, await page.text()], [200, '<!doctype html><title>A page</title>'])
  const headers = (answer: Response, ...names: string[]) => names.map((it) => answer.headers.get(it))
  assert.deepEqual(headers(page, 'content-type', 'cache-control', 'x-content-type-options', 'x-frame-options', 'etag', 'last-modified'), [
    'text/html; charset=utf-8',
    'no-store',
    'nosniff',
    'SAMEORIGIN',
    null,
    null,
  ])
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /^default-src 'self';/)
  assert.doesNotMatch(policy, /unsafe|\*/)
  for (const file of ['page.js', 'same.js']) {
    assert.equal((await call(`/console/plugins/hello/status/${file}`)).headers.get('content-type'), 'application/javascript; charset=utf-8')
  }
  assert.match(await (await call('/console/plugins/hello/status/sub/')).text(), /Below/)
  assert.equal((await call('/console/plugins/hello/status', { redirect: 'manual' })).headers.get('location'), '/console/plugins/hello/status/')
  undo()
  for (const path of ['', '/', '/page.js']) assert.equal((await call(`/console/plugins/hello/status${path}`)).status, 404)
})

test('nothing but the files of the page is reached below its address', async (t) => {
  const { server, port } = await browser(t)
  server.consolePages.add('hello', [{ name: 'status', title: 'Status', folder: await pageFolder(t) }])
  const ask = async (path: string) => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port, path, headers: { authorization: `Bearer ${TOKEN}` } }, resolve)
      sent.on('error', reject).end()
    })
    return { status: answer.statusCode ?? 0, body: await text(answer) }
  }
  const base = '/console/plugins/hello/status'
  assert.equal((await ask(`${base}/page.js`)).status, 200)
  const ways = [
    '../secret.txt',
    '%2e%2e/secret.txt',
    '..%2fsecret.txt',
    '..%5csecret.txt',
    'sub/../../secret.txt',
    'sub/..%2f..%2fsecret.txt',
    '/etc/passwd',
  ]
  const others = [
    '.hidden',
    '%2ehidden',
    'link.txt',
    'up/secret.txt',

    'sub',
    'index.html%00.js',
    'sub//index.html',
    'sub/./index.html',
    '%ff',
    'no.js',
  ]
  for (const way of [...ways, ...others]) {
    const { status, body } = await ask(`${base}/${way}`)
    assert.ok(status === 404 || status === 400, `${way} is answered ${status}`)
    assert.ok(!body.includes('secret') && !body.includes('root:'), way)
  }
  for (const path of ['/console/plugins/hello/__proto__/', '/console/plugins/hello/..%2fhello%2fstatus/', '/console/console%2f..%2fconsole.js']) {
    assert.equal((await ask(path)).status, 404, path)
  }
})

test('a program without a token is told so, and not led to a login', async (t) => {
  const { url } = await browser(t)
  for (const path of ['/console/', '/console/session', '/console/plugins/hello/status/', '/console/unknown']) {
    assert.equal((await fetch(`${url}${path}`)).status, 401, path)
  }
  assert.equal((await fetch(`${url}/console/console.js`)).status, 200)
})

test('a page that could not be shown is its plugin’s error, and two of one name a conflict', async (t) => {
  const { server, call } = await browser(t)
  const folder = await pageFolder(t)
  const refused = (page: object, reason: RegExp) =>
    assert.throws(() => server.consolePages.add('hello', [{ name: 'status', title: 'Status', folder, ...page }]), reason)
  refused({ name: '../x' }, /console page "\.\.\/x" of plugin "hello": its name must be in kebab-case/)
  refused({ title: ' ' }, /it has no title/)
  refused({ folder: 'console' }, /must be absolute/)
  refused({ folder: new URL('http://localhost/') }, /must be absolute/)
  refused({ folder: join(folder, 'none') }, /there is no index\.html/)
  const page = { name: 'status', title: 'Status', folder }
  const conflict = (error: Error) => error instanceof ContributionConflict && /"hello" has two console pages named "status"/.test(error.message)
  assert.throws(() => server.consolePages.add('hello', [page, { ...page, title: 'Other' }]), conflict)
  assert.equal((await call('/console/plugins/hello/status/')).status, 404)
  server.consolePages.add('hello', [page])
  assert.throws(() => server.consolePages.add('hello', [page]), conflict)
})
