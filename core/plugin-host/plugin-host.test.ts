import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { definePlugin, Type } from '@beaconfire/plugin-sdk'
import { dropIn, pluginSource, type TestHostOptions, testHost, writeFiles } from './plugin-host.fixture.js'
import { PluginLoadFailed, PluginMissing } from './registries.js'

/** Where plugins of these tests, which share no memory with them otherwise, leave word. */
const seen: string[] = []
Object.assign(globalThis, { seenByPlugins: seen })

function hostOf(t: TestContext, options?: TestHostOptions) {
  seen.length = 0 // the test before has stopped its plugins since
  return testHost(t, options)
}

test('plugins are loaded from folders outside the repository, and share the SDK with the server', async (t) => {
  const it = await hostOf(t)
  const contributions = `hooks: { sessionOpened() {} }, interceptors: [{ name: 'error-is', band: 'observe', sdk: PacketRejected, interceptPacket() {} }]`
  await dropIn(it.folder, 'hello', {
    'index.ts': pluginSource('hello', '1.0.0', { contributions, head: `import { PacketRejected } from '@beaconfire/plugin-sdk'` }),
  })
  let shared: unknown
  const { interceptor } = it.registries
  Object.assign(it.registries, {
    interceptor: (plugin: string, added: { readonly name: string; readonly sdk?: unknown }) => {
      shared = added.sdk
      return interceptor(plugin, added)
    },
  })
  await it.host.start()
  assert.deepEqual(it.states(), { hello: 'running' })
  assert.deepEqual(it.registries.registered, ['hello/error-is', 'hello/sessionOpened', 'hello/1.0.0'])
  assert.equal(shared, (await import('@beaconfire/plugin-sdk')).PacketRejected)
  assert.deepEqual(it.status('hello').contributions, { interceptors: ['error-is'], hooks: ['sessionOpened'], features: ['1.0.0'] })
  assert.deepEqual(it.log.texts(), ['plugin loaded hello'])
})

test('a reload reads files again that the plugin imports, statically and later', async (t) => {
  const it = await hostOf(t)
  const source = `import { definePlugin } from '@beaconfire/plugin-sdk'
    import { word } from './words/word.js'
    export default definePlugin({ name: 'deep', version: word, setup: () => ({ start: async () => { seenByPlugins.push((await import('./later.js')).word) } }) })`
  await dropIn(it.folder, 'deep', { 'index.ts': source, 'words/word.ts': `export const word = 'one'`, 'later.ts': `export const word = 'later one'` })
  await it.host.start()
  await writeFiles(join(it.folder, 'deep'), { 'words/word.ts': `export const word = 'two two'`, 'later.ts': `export const word = 'later two'` })
  await it.host.rescan()
  assert.equal(it.status('deep').version, 'two two')
  assert.deepEqual(seen.splice(0), ['later one', 'later two'])
  assert.equal(it.status('deep').reloads, 1)
})

test('what has not changed is not loaded again by a rescan', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await it.host.start()
  await it.host.rescan()
  assert.equal(it.status('hello').reloads, 0)
  assert.equal((await it.host.reload('hello')).reloads, 1)
})

test('a syntax error leaves the old version serving, is shown with file and line, and goes with the error', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await it.host.start()
  await writeFiles(join(it.folder, 'hello'), { 'index.ts': 'const a = 1\nexport default {{\n' })
  await assert.rejects(it.host.reload('hello'), PluginLoadFailed)
  assert.equal(it.status('hello').state, 'running')
  assert.match(it.status('hello').error ?? '', /^plugin "hello": index\.ts:2: /)
  assert.deepEqual(it.registries.registered, ['hello/1.0.0'])
  assert.equal(it.log.texts().at(-1), 'plugin failed, the old version serves on hello')
  await writeFiles(join(it.folder, 'hello'), { 'index.ts': pluginSource('hello', '2.0.0') })
  await it.host.rescan()
  assert.equal(it.status('hello').error, undefined)
  assert.deepEqual(it.registries.registered, ['hello/2.0.0'])
})

test('whatever fails in a new version, the old one keeps its registrations and its metrics', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'hello', {
    'index.ts': pluginSource('hello', '1.0.0', { contributions: `save: () => 'state', stop() { seenByPlugins.push('old stopped') },` }),
  })
  await it.host.start()
  const failing: Record<string, string> = {
    'setup\\(\\) failed: broken setup': pluginSource('hello', '2.0.0', { contributions: `x: (() => { throw new Error('broken setup') })()` }),
    'migration failed: no such column': pluginSource('hello', '2.0.0', { rest: `tables: [{ version: 1, up: 'fails' }],` }),
    'restore\\(\\) failed: broken restore': pluginSource('hello', '2.0.0', { contributions: `restore() { throw new Error('broken restore') }` }),
    'start\\(\\) failed: broken start': pluginSource('hello', '2.0.0', { contributions: `start() { throw new Error('broken start') }` }),
    'hello/taken is taken': pluginSource('hello', '2.0.0', { contributions: `iqHandlers: [{ namespace: 'taken' }]` }),
    colour: pluginSource('hello', '2.0.0', {
      rest: `config: Type.Object({ colour: Type.String() }),`,
      head: `import { Type } from '@beaconfire/plugin-sdk'`,
    }),
  }
  it.registries.refused = 'hello/taken'
  for (const [reason, source] of Object.entries(failing)) {
    await writeFiles(join(it.folder, 'hello'), { 'index.ts': source })
    await assert.rejects(it.host.reload('hello'), new RegExp(`^PluginLoadFailed: plugin "hello": .*${reason}`))
    assert.equal(it.status('hello').version, '1.0.0')
    assert.match(it.status('hello').error ?? '', new RegExp(reason))
    assert.deepEqual(it.registries.registered, ['hello/1.0.0'], reason)
    assert.deepEqual(it.metrics, ['hello'], reason)
  }
  assert.deepEqual(seen.splice(0), [])
})

test('a failing plugin stops neither the others nor the server, and its line is named', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'bad', { 'index.ts': pluginSource('bad', '1.0.0', { contributions: `start() { throw new Error('no luck') }` }) })
  await dropIn(it.folder, 'good', { 'index.ts': pluginSource('good') })
  await it.host.start()
  assert.deepEqual(it.states(), { bad: 'failed', good: 'running' })
  assert.match(it.status('bad').error ?? '', /^plugin "bad": index\.ts:\d+: start\(\) failed: no luck$/)
})

test('memory goes from the old version to the new when that has started, and the old one stops after the exchange', async (t) => {
  const it = await hostOf(t)
  const source = (version: string) =>
    pluginSource('memory', version, {
      contributions: `save: () => ({ from: '${version}' }),
        restore(state) { seenByPlugins.push('${version} restored from ' + state.from) },
        start() { seenByPlugins.push('${version} started') }, stop() { seenByPlugins.push('${version} stopped') }`,
    })
  await dropIn(it.folder, 'memory', { 'index.ts': source('1.0.0') })
  await it.host.start()
  await writeFiles(join(it.folder, 'memory'), { 'index.ts': source('2.0.0') })
  await it.host.rescan()
  assert.deepEqual(seen.splice(0), ['1.0.0 started', '2.0.0 started', '2.0.0 restored from 1.0.0', '1.0.0 stopped'])
  // There was no moment without either.
  assert.deepEqual(it.registries.history, [['memory/1.0.0'], ['memory/2.0.0']])
  await it.host.stop()
  assert.deepEqual(seen.splice(0), ['2.0.0 stopped'])
  assert.deepEqual([it.registries.registered, it.metrics], [[], []])
})

const provider = (version = '1.0.0', contributions = '') =>
  pluginSource('provider', version, {
    rest: `provides: ['maps'],`,
    contributions: `services: { maps: { version: '${version}' } }, stop() { seenByPlugins.push('provider stopped') }, ${contributions}`,
  })
const dependent = (name = 'a-dependent') =>
  pluginSource(name, '1.0.0', {
    rest: `requires: ['maps'],`,
    contributions: `start() { seenByPlugins.push('with ' + context.services.maps.version) }, stop() { seenByPlugins.push('dependent stopped') }`,
  })

test('a dependent waits for its requirement, restarts with it, and fails when it goes', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'a-dependent', { 'index.ts': dependent() })
  await it.host.start()
  assert.match(it.status('a-dependent').error ?? '', /requires service "maps", which no plugin provides/)
  await dropIn(it.folder, 'provider', { 'index.ts': provider() })
  await it.host.rescan()
  assert.equal(it.status('a-dependent').error, undefined)
  assert.deepEqual(it.registries.registered, ['provider/1.0.0', 'a-dependent/1.0.0'])
  await writeFiles(join(it.folder, 'provider'), { 'index.ts': provider('2.0.0') })
  await it.host.rescan()
  assert.deepEqual(seen.splice(0), ['with 1.0.0', 'with 2.0.0', 'dependent stopped', 'provider stopped'])
  await rm(join(it.folder, 'provider'), { recursive: true })
  await it.host.rescan()
  assert.deepEqual(it.states(), { 'a-dependent': 'failed' })
  assert.deepEqual(seen.splice(0), ['dependent stopped', 'provider stopped'])
  assert.deepEqual(it.registries.registered, [])
})

test('a dependent of a plugin that failed says whose failure it is, and starts when that is mended', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'a-dependent', { 'index.ts': dependent() })
  await dropIn(it.folder, 'provider', { 'index.ts': provider('1.0.0', `start() { throw new Error('no luck') }`) })
  await it.host.start()
  assert.equal(it.status('a-dependent').error, 'plugin "a-dependent": requires service "maps", whose plugin "provider" failed')
  seen.length = 0
  await writeFiles(join(it.folder, 'provider'), { 'index.ts': provider('2.0.0') })
  await it.host.rescan()
  assert.deepEqual(it.states(), { 'a-dependent': 'running', provider: 'running' })
  assert.deepEqual(seen.splice(0), ['with 2.0.0'])
})

test('a new version of a provider that fails leaves its dependents alone', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'a-dependent', { 'index.ts': dependent() })
  await dropIn(it.folder, 'provider', { 'index.ts': provider() })
  await it.host.start()
  await writeFiles(join(it.folder, 'provider'), { 'index.ts': provider('2.0.0', `start() { throw new Error('no luck') }`) })
  await it.host.rescan()
  // What was stopped is the new version, which had been started in part.
  assert.deepEqual(seen.splice(0), ['with 1.0.0', 'provider stopped'])
  assert.deepEqual(it.states(), { 'a-dependent': 'running', provider: 'running' })
  assert.equal(it.status('a-dependent').reloads, 0)
})

test('a new version whose requirement is missing leaves the old one serving', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await it.host.start()
  await writeFiles(join(it.folder, 'hello'), { 'index.ts': pluginSource('hello', '2.0.0', { rest: `requires: ['nothing'],` }) })
  await it.host.rescan()
  assert.equal(it.status('hello').state, 'running')
  assert.equal(it.status('hello').version, '1.0.0')
  assert.match(it.status('hello').error ?? '', /requires service "nothing"/)
})

test('plugins in a circle fail by name, the others run', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'a', { 'index.ts': pluginSource('a', '1.0.0', { rest: `requires: ['y'], provides: ['x'],` }) })
  await dropIn(it.folder, 'b', { 'index.ts': pluginSource('b', '1.0.0', { rest: `requires: ['x'], provides: ['y'],` }) })
  await dropIn(it.folder, 'c', { 'index.ts': pluginSource('c') })
  await it.host.start()
  assert.deepEqual(it.states(), { a: 'failed', b: 'failed', c: 'running' })
  assert.match(it.status('b').error ?? '', /"a" → "b" → "a"/)
})

test('after a reload plugins are registered in load order, as after a restart', async (t) => {
  const it = await hostOf(t)
  for (const name of ['a', 'b', 'c']) await dropIn(it.folder, name, { 'index.ts': pluginSource(name) })
  await it.host.start()
  await it.host.reload('b')
  assert.deepEqual(it.registries.registered, ['a/1.0.0', 'b/1.0.0', 'c/1.0.0'])
  assert.equal(it.status('c').reloads, 0)
})

test('settings are checked and completed; a disabled plugin is listed but not loaded', async (t) => {
  const configured = definePlugin({
    name: 'configured',
    version: '1.0.0',
    config: Type.Object({ limit: Type.Integer({ default: 5 }), word: Type.String({ default: 'none' }) }),
    setup: ({ config }) => ({ features: [`${config.limit} ${config.word}`] }),
  })
  const it = await hostOf(t, { builtIn: [configured], settings: { configured: { limit: 7 } }, disabled: ['unwanted'] })
  await dropIn(it.folder, 'unwanted', { 'index.ts': `throw new Error('must not be imported')` })
  await it.host.start()
  assert.deepEqual(it.registries.registered, ['configured/7 none'])
  assert.deepEqual(it.states(), { configured: 'running', unwanted: 'disabled' })
  await assert.rejects(it.host.reload('unwanted'), /disabled by plugins\.disabled/)
  await assert.rejects(it.host.reload('nobody'), PluginMissing)
})

test('a plugin unloaded by hand stays so until it is reloaded', async (t) => {
  const it = await hostOf(t)
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await it.host.start()
  assert.equal((await it.host.unload('hello')).state, 'unloaded')
  await it.host.rescan()
  assert.deepEqual(it.registries.registered, [])
  assert.equal((await it.host.reload('hello')).state, 'running')
})

test('a timer that fails is logged with the plugin, and none fires after the plugin has stopped', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let rounds = 0
  const ticking = definePlugin({
    name: 'ticking',
    version: '1.0.0',
    setup: ({ timers }) => ({
      start() {
        timers.every(1000, () => {
          rounds++
          throw new Error('out of order')
        })
      },
    }),
  })
  const it = await hostOf(t, { builtIn: [ticking] })
  await it.host.start()
  for (let i = 0; i < 2; i++) {
    t.mock.timers.tick(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(rounds, 2)
  assert.deepEqual(it.log.texts().slice(1), Array(2).fill('a timer of the plugin failed ticking'))
  await it.host.stop()
  t.mock.timers.tick(5000)
  assert.equal(rounds, 2)
})
