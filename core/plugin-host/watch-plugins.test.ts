import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { dropIn, pluginSource, testHost, writeFiles } from './plugin-host.fixture.js'

/** A barrier that fails a test instead of hanging it. */
const limit = { timeout: 10_000 }

test('a plugin that is dropped in loads, changes and goes while the server runs', limit, async (t) => {
  const it = await testHost(t, { watch: true })
  await it.host.start()
  const dropped = performance.now()
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello'), 'deep/er/file.ts': '' })
  await it.until(() => it.host.find('hello')?.state === 'running')
  t.diagnostic(`loaded after ${Math.round(performance.now() - dropped)} ms`)
  await writeFiles(join(it.folder, 'hello'), { 'index.ts': pluginSource('hello', '2.0.0') })
  await it.until(() => it.host.find('hello')?.version === '2.0.0')
  await writeFiles(join(it.folder, 'hello'), { 'deep/er/file.ts': 'changed' })
  await it.until(() => it.host.find('hello')?.reloads === 2)
  await rm(join(it.folder, 'hello'), { recursive: true })
  await it.until(() => it.host.find('hello') === undefined)
  assert.deepEqual(it.registries.registered, [])
  assert.equal(it.log.texts().at(-1), 'plugin unloaded hello')
})

test('a plugin that failed is tried again when a file of it changes', limit, async (t) => {
  const it = await testHost(t, { watch: true })
  await it.host.start()
  await dropIn(it.folder, 'hello', { 'index.ts': 'export default {{' })
  await it.until(() => it.host.find('hello')?.state === 'failed')
  await writeFiles(join(it.folder, 'hello'), { 'index.ts': pluginSource('hello') })
  await it.until(() => it.host.find('hello')?.state === 'running')
  assert.equal(it.status('hello').error, undefined)
})

test('a folder that is copied file by file is loaded once it is whole', limit, async (t) => {
  const it = await testHost(t, { watch: true })
  await it.host.start()
  // No pause between the files is as long as the time to settle.
  const folder = join(it.folder, 'hello')
  await writeFiles(folder, { 'index.ts': `${pluginSource('hello')}\nimport './one.js'\nimport './two.js'` })
  await writeFiles(folder, { 'one.ts': 'export {}' })
  await writeFiles(folder, { 'two.ts': 'export {}' })
  await writeFiles(folder, { 'package.json': '{ "type": "module" }' })
  await it.until(() => it.host.find('hello')?.state === 'running')
  assert.deepEqual(it.log.texts(), ['plugin loaded hello'])
})

test('a plugins folder that is made later, or removed and made anew, is watched', limit, async (t) => {
  const it = await testHost(t, { watch: true })
  await rm(it.folder, { recursive: true })
  await it.host.start()
  await mkdir(it.folder)
  await dropIn(it.folder, 'first', { 'index.ts': pluginSource('first') })
  await it.until(() => it.host.find('first')?.state === 'running')
  await rename(it.folder, `${it.folder}-gone`)
  await it.until(() => it.host.list().length === 0)
  await mkdir(it.folder)
  await dropIn(it.folder, 'second', { 'index.ts': pluginSource('second') })
  await it.until(() => it.host.find('second')?.state === 'running')
  await dropIn(it.folder, 'third', { 'index.ts': pluginSource('third') })
  await it.until(() => it.host.find('third')?.state === 'running')
})

test('a folder that another takes the place of is loaded from there', limit, async (t) => {
  const it = await testHost(t, { watch: true })
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello'), 'gone.ts': 'export {}' })
  await it.host.start()
  const staging = `${it.folder}-staging`
  await dropIn(staging, 'hello', { 'index.ts': pluginSource('hello', '2.0.0') })
  t.after(() => rm(staging, { recursive: true, force: true }))
  await rename(join(it.folder, 'hello'), join(staging, 'before'))
  await rename(join(staging, 'hello'), join(it.folder, 'hello'))
  await it.until(() => it.host.find('hello')?.version === '2.0.0')
  assert.deepEqual(it.registries.registered, ['hello/2.0.0'])
})

test('a change in a folder that is linked for development is noticed', limit, async (t) => {
  const it = await testHost(t, { watch: true })
  const sources = `${it.folder}-sources`
  await dropIn(sources, 'hello', { 'index.ts': pluginSource('hello'), 'deep/part.ts': 'export {}' })
  t.after(() => rm(sources, { recursive: true, force: true }))
  await it.host.start()
  await symlink(join(sources, 'hello'), join(it.folder, 'hello'))
  await it.until(() => it.host.find('hello')?.state === 'running')
  await writeFiles(join(sources, 'hello'), { 'index.ts': pluginSource('hello', '2.0.0') })
  await it.until(() => it.host.find('hello')?.version === '2.0.0')
  await writeFiles(join(sources, 'hello'), { 'deep/part.ts': 'export const changed = true' })
  await it.until(() => it.host.find('hello')?.reloads === 2)
  await rm(join(it.folder, 'hello'))
  await it.until(() => it.host.find('hello') === undefined)
})
