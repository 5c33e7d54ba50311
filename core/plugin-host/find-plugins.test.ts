/** What lies in the plugin folders, and what becomes of it. */
import assert from 'node:assert/strict'
import { rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { dropIn, pluginSource, testHost, writeFiles } from './plugin-host.fixture.js'

test('a plugin that is not what its folder promises says what to do', async (t) => {
  const it = await testHost(t)
  const folders: Record<string, [Record<string, string>, RegExp]> = {
    'not-json': [{ 'package.json': '{', 'index.ts': '' }, /package\.json cannot be read/],
    'no-module': [{ 'package.json': '{}', 'index.ts': pluginSource('no-module') }, /must say "type": "module"/],
    'no-entry': [{}, /neither index\.ts nor index\.js/],
    'no-default': [{ 'index.ts': 'export const a = 1' }, /index\.ts: has no plugin as its default export/],
    'other-name': [{ 'index.ts': pluginSource('name') }, /is named "name", but its folder "other-name"/],
    'no-version': [{ 'index.ts': pluginSource('no-version', '') }, /has no version/],
    'no-setup': [{ 'index.js': `export default { name: 'no-setup', version: '1.0.0' }` }, /index\.js: has no setup/],
    'bad-requires': [{ 'index.ts': pluginSource('bad-requires', '1.0.0', { rest: `requires: 'roster',` }) }, /requires must be a list/],
    'no-service': [
      { 'index.ts': pluginSource('no-service', '1.0.0', { rest: `provides: ['maps'],` }) },
      /provides service "maps", but setup\(\) returned none/,
    ],
    throws: [{ 'index.ts': `\nthrow new Error('at once')` }, /"throws": index\.ts:2: at once/],
    'missing-file': [{ 'index.ts': `import './nowhere.js'` }, /nowhere/],
  }
  for (const [name, [files]] of Object.entries(folders)) await dropIn(it.folder, name, files)
  await writeFiles(it.folder, {
    '.hidden/index.ts': '',
    'node_modules/a/index.ts': '',
    'copying.part/index.ts': '',
    'empty/readme.md': '',
    'file.ts': '',
  })
  await it.host.start()
  for (const [name, [, problem]] of Object.entries(folders)) {
    assert.match(it.status(name).error ?? '', problem, name)
    assert.equal(it.status(name).state, 'failed')
  }
  assert.equal(it.host.list().length, Object.keys(folders).length)
})

test('of two folders of one name the first is loaded and the second is an error of its own', async (t) => {
  const other = await testHost(t)
  const it = await testHost(t, { folders: [other.folder] })
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello', '1.0.0') })
  await dropIn(other.folder, 'hello', { 'index.ts': pluginSource('hello', '2.0.0') })
  await it.host.start()
  assert.equal(it.status('hello').version, '1.0.0')
  const clash = it.host.list().find((plugin) => plugin.state === 'failed')
  assert.match(clash?.error ?? '', /is named "hello" like the plugin in .* rename or remove one/)
  await rm(join(it.folder, 'hello'), { recursive: true })
  await it.host.rescan()
  assert.deepEqual(it.states(), { hello: 'running' })
  assert.equal(it.status('hello').version, '2.0.0')
})

test('a linked folder is a plugin, and reloads', async (t) => {
  const other = await testHost(t)
  const it = await testHost(t)
  await dropIn(other.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await symlink(join(other.folder, 'hello'), join(it.folder, 'hello'))
  await it.host.start()
  await writeFiles(join(other.folder, 'hello'), { 'index.ts': pluginSource('hello', '2.0.0') })
  await it.host.rescan()
  assert.deepEqual(it.registries.registered, ['hello/2.0.0'])
})

test('a file that was only touched counts as changed', async (t) => {
  const it = await testHost(t)
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await it.host.start()
  await utimes(join(it.folder, 'hello', 'index.ts'), 1, 1)
  await it.host.rescan()
  assert.equal(it.status('hello').reloads, 1)
})

test('a file of a plugin that is not there any more, or a link to nowhere, does not take the plugin away', async (t) => {
  const it = await testHost(t)
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello'), 'pictures/a.txt': '' })
  await it.host.start()
  await symlink(join(it.folder, 'nowhere'), join(it.folder, 'hello', 'dangling'))
  await symlink(join(it.folder, 'nowhere'), join(it.folder, 'hello', 'pictures', 'dangling'))
  await it.host.rescan()
  assert.deepEqual(it.states(), { hello: 'running' })
  assert.deepEqual(it.log.texts(), ['plugin loaded hello', 'plugin reloaded hello'])
  await it.host.rescan()
  assert.equal(it.status('hello').reloads, 1)
})
