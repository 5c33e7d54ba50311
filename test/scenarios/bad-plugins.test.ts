/** Plugins that do everything wrong, all in one server: each is told by name what is the matter, and everybody else serves on. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { recordingLogger, startTestServer } from '@beaconfire/plugin-sdk/testing'

const define = (name: string, contributions: string, rest = '') =>
  `import { definePlugin, element } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: '${name}', version: '1.0.0', ${rest}
  setup(context) { return { ${contributions} } } })`
const fail = `throw new Error('on purpose')`
const interceptor = (name: string, body: string, rest = '') =>
  `{ name: '${name}', band: 'observe', ${rest} when: { stanza: 'message', incoming: true, processed: false }, interceptPacket() { ${body} } }`

/** What the plugin that cannot be loaded is shown to suffer from. */
const unloadable: Record<string, [source: string, reason: RegExp]> = {
  'at-import': [`${fail}`, /index\.ts:1: on purpose/],
  'at-setup': [define('at-setup', '').replace('return', `${fail}; return`), /setup\(\) failed: on purpose/],
  'at-start': [define('at-start', `start() { ${fail} }`), /start\(\) failed: on purpose/],
  'at-health': [define('at-health', `healthy() { ${fail} }`), /health check healthy\(\) failed: on purpose/],
  unhealthy: [define('unhealthy', `healthy: () => false`), /health check says that it cannot do its work/],
  twice: [
    define('twice', `interceptors: [${interceptor('same', '')}, ${interceptor('same', '')}]`),
    /has two interceptors named "same"; give each a name/,
  ],
  'z-domain': [define('z-domain', `domains: [{ subdomain: 'good', handle() {} }]`), /good/],
  'z-namespace': [
    define('z-namespace', `iqHandlers: [{ namespace: 'urn:example:good', handle() {} }]`),
    /"urn:example:good" are answered by plugin good already/,
  ],
  'z-route': [
    define('z-route', `adminRoutes: [{ method: 'GET', path: '/users', topLevel: true, summary: 'Mine', handle() {} }]`),
    /cannot mount GET \/api\/v1\/users: core has/,
  ],
  selfish: [
    define('selfish', `services: { selfish: {} }`, `requires: ['selfish'], provides: ['selfish'],`),
    /requires a service that it provides itself; take it out/,
  ],
  'bad-metric': [define('bad-metric', '').replace('return', `context.metrics.counter('Not-Snake', 'x'); return`), /"Not-Snake" is not in snake_case/],
}
/** What is logged under the plugin's name when it fails at work. */
const failing: Record<string, [source: string, message: string]> = {
  'in-interceptor': [define('in-interceptor', `interceptors: [${interceptor('it', fail)}]`), 'interceptor failed'],
  'in-hook': [define('in-hook', `hooks: { sessionOpened() { ${fail} } }`), 'hook failed'],
  'in-handler': [define('in-handler', `iqHandlers: [{ namespace: 'urn:example:bad', handle() { ${fail} } }]`), 'iq handler failed'],
  'in-timer': [define('in-timer', `start() { context.timers.after(1, () => { ${fail} }) }`), 'a timer of the plugin failed'],
  'in-save': [define('in-save', `save() { ${fail} }`), 'plugin could not save its state for the next version'],
  'in-stop': [define('in-stop', `stop() { ${fail} }`), 'plugin did not stop cleanly'],
  blocks: [
    define(
      'blocks',
      `interceptors: [${interceptor('long', 'const until = performance.now() + 120; while (performance.now() < until);', 'budget: 50,')}]`,
    ),
    'interceptor overran its time budget',
  ],
}

test('each is told by name what is wrong, and the server and every other plugin serve on', { timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-bad-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (name: string, source: string, manifest = {}) => {
    await mkdir(path.join(folder, name), { recursive: true })
    await writeFile(path.join(folder, name, 'package.json'), JSON.stringify({ name, type: 'module', ...manifest }))
    await writeFile(path.join(folder, name, 'index.ts'), source)
  }
  const good = `iqHandlers: [{ namespace: 'urn:example:good', handle: () => element('good') }], domains: [{ subdomain: 'good', handle: () => element('good') }],
    adminRoutes: [{ method: 'GET', path: '/ok', summary: 'Ok', handle: () => ({ ok: true }) }, { method: 'GET', path: '/bad', summary: 'Bad', handle() { ${fail} } }]`
  await write('good', define('good', good))
  for (const [name, [source]] of Object.entries({ ...unloadable, ...failing })) await write(name, source)
  await write('old', define('old', ''), { peerDependencies: { '@beaconfire/plugin-sdk': '^0.0.1' } })
  const { log, entries } = recordingLogger()
  const server = await startTestServer(t, { log, config: { plugins: { folders: [folder] } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')

  const serves = async () => {
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>still here</body></message>`)
    assert.equal((await juliet.receive('message')).getChildText('body'), 'still here')
    for (const to of ['test', 'good.test']) {
      const answer = await romeo.request(`<iq type="get" id="${to}" to="${to}"><query xmlns="urn:example:good"/></iq>`)
      assert.equal(answer.attrs.type, 'result')
    }
    assert.equal((await server.admin('/api/v1/plugins/good/ok')).status, 200)
  }
  await serves()
  const logged = (name: string, message: string) => entries.some((it) => it.fields.plugin === name && it.message === message)

  for (const [name, [, reason]] of [...Object.entries(unloadable), ['old', ['', /is written for @beaconfire\/plugin-sdk \^0\.0\.1/]] as const]) {
    const { state, error } = server.plugins.find(name) ?? {}
    assert.equal(state, 'failed', name)
    assert.match(error ?? '', new RegExp(`^plugin "${name}": `))
    assert.match(error ?? '', reason)
    assert.ok(logged(name, 'plugin failed'), name)
  }
  const bad = await romeo.request('<iq type="get" id="bad" to="test"><query xmlns="urn:example:bad"/></iq>')
  assert.equal(bad.attrs.type, 'error')
  assert.equal((await server.admin('/api/v1/plugins/good/bad')).status, 500)
  assert.ok(entries.some((it) => it.message === 'an admin request failed' && String(it.fields.route).includes('/plugins/good/bad')))
  for (const name of ['in-save', 'in-stop']) assert.equal((await server.plugins.reload(name)).reloads, 1)
  while (!logged('in-timer', 'a timer of the plugin failed')) await new Promise(setImmediate)
  for (const [name, [, message]] of Object.entries(failing)) {
    assert.ok(logged(name, message), `${name}: ${message}`)
    assert.equal(server.plugins.find(name)?.state, 'running', name)
  }
  const { items } = (await (await server.admin('/api/v1/interceptors?plugin=blocks')).json()) as { items: { overruns: number; slowestMs: number }[] }
  assert.ok((items[0]?.overruns ?? 0) >= 1 && (items[0]?.slowestMs ?? 0) >= 120)

  // A new version that is bad in restore leaves the one before serving.
  await write('in-save', define('in-save', `save: () => 'state'`))
  await server.plugins.rescan()
  await write('in-save', define('in-save', `restore() { ${fail} }`).replace('1.0.0', '2.0.0'))
  await server.plugins.rescan()
  const { state, version, error } = server.plugins.find('in-save') ?? {}
  assert.deepEqual([state, version], ['running', '1.0.0'])
  assert.match(error ?? '', /restore\(\) failed: on purpose/)
  await serves()
})

test('one that leaves a listener of its own behind is named with how many of its versions it holds, until it is gone', {
  timeout: 60_000,
}, async (t) => {
  const LEFT = 'listener of the plugin leaky'
  t.after(() => void process.removeAllListeners(LEFT))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-bad-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const stop = { leaky: '', clean: `stop() { process.off('${LEFT}', heard) }` }
  for (const name of ['leaky', 'clean'] as const) {
    const source = define(name, `start() { process.on('${LEFT}', heard) }, ${stop[name]}`)
    await mkdir(path.join(folder, name))
    await writeFile(path.join(folder, name, 'package.json'), JSON.stringify({ name, type: 'module' }))
    await writeFile(path.join(folder, name, 'index.ts'), source.replace('return', `const heard = () => context.log.info({}, 'heard'); return`))
  }
  const { log, entries } = recordingLogger()
  const server = await startTestServer(t, { log, config: { plugins: { folders: [folder] } } })
  const held = (name: string) => server.plugins.find(name)?.staleVersions
  const collectUntil = async (isSo: () => boolean) => {
    while (!isSo()) {
      await new Promise(setImmediate)
      collect()
    }
  }
  for (let i = 0; i < 3; i++) for (const name of ['leaky', 'clean']) await server.plugins.reload(name)
  const reports = () => entries.filter((it) => it.message.startsWith('stopped versions of the plugin are still held'))
  await collectUntil(() => reports().length > 0)
  assert.deepEqual(
    reports().map(({ fields }) => [fields.plugin, fields.versions]),
    [['leaky', 3]],
  )
  const shown = (await (await server.admin('/api/v1/plugins/leaky')).json()) as { staleVersions: number; state: string }
  assert.deepEqual([shown.staleVersions, shown.state, held('clean')], [3, 'running', 0])
  process.removeAllListeners(LEFT)
  await collectUntil(() => held('leaky') === 0)
})
