import assert from 'node:assert/strict'
import { access, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { create, Header, type HeaderData } from 'tar'
import { dropIn, pluginSource, type TestHost, testHost, writeFiles } from './plugin-host.fixture.js'

/** Packs a plugin as `npm pack` does, all below `package/`, and drops it in. */
async function packInto(it: TestHost, file: string, version: string, more: (folder: string) => Promise<void> = async () => undefined): Promise<void> {
  const staging = dirname(it.folder)
  await rm(join(staging, 'package'), { recursive: true, force: true })
  await writeFiles(join(staging, 'package'), {
    'package.json': JSON.stringify({ name: '@acme/beaconfire-plugin-packed', version, type: 'module' }),
    'index.ts': pluginSource('packed', version, { head: `import './part.js'` }),
    'part.ts': 'export {}',
  })
  await more(join(staging, 'package'))
  await create({ file: join(staging, 'packed.tgz'), gzip: true, cwd: staging }, ['package'])
  await rename(join(staging, 'packed.tgz'), join(it.folder, file))
}

test('a package made by npm pack is loaded, replaced and unloaded', async (t) => {
  const it = await testHost(t)
  await packInto(it, 'packed-1.tgz', '1.0.0')
  await it.host.start()
  assert.deepEqual(it.registries.registered, ['packed/1.0.0'])
  await packInto(it, 'packed-1.tgz', '2.0.0')
  await it.host.rescan()
  assert.deepEqual(it.registries.registered, ['packed/2.0.0'])
  await rm(join(it.folder, 'packed-1.tgz'))
  await it.host.rescan()
  assert.deepEqual(it.host.list(), [])
})

test('a package that is dropped in while the server runs is loaded', { timeout: 10_000 }, async (t) => {
  const it = await testHost(t, { watch: true })
  await it.host.start()
  await packInto(it, 'packed.tgz', '1.0.0')
  await it.until(() => it.host.find('packed')?.state === 'running')
})

test('links in a package are refused, and nothing of it is unpacked', async (t) => {
  const it = await testHost(t)
  await packInto(it, 'symbolic.tgz', '1.0.0', (folder) => symlink('/etc', join(folder, 'etc')))
  await writeFile(join(it.folder, 'hard.tgz'), archiveOf('package/passwd', { type: 'Link', linkpath: '/etc/passwd', size: 0 }))
  await writeFile(join(it.folder, 'device.tgz'), archiveOf('package/disk', { type: 'BlockDevice', size: 0 }))
  await it.host.start()
  assert.match(it.status('symbolic.tgz').error ?? '', /holds "package\/etc", which is neither file nor folder but SymbolicLink/)
  assert.match(it.status('hard.tgz').error ?? '', /neither file nor folder but Link/)
  assert.match(it.status('device.tgz').error ?? '', /neither file nor folder but BlockDevice/)
  await assert.rejects(readdir(join(dirname(it.folder), 'data', 'plugin-packages')), { code: 'ENOENT' })
})

/** An archive with one file of this name, which tar's own writer would not make. */
function archiveOf(path: string, more: Partial<HeaderData> = {}): Buffer {
  const content = Buffer.alloc(more.size ?? 512, 'x')
  const header = Buffer.alloc(512)
  new Header({ path, mode: 0o644, size: 512, type: 'File', mtime: new Date(), ...more }).encode(header)
  return Buffer.concat([header, content, Buffer.alloc(1024)])
}

test('paths that lead out of the package are refused', async (t) => {
  const it = await testHost(t)
  const outside = join(dirname(it.folder), 'escaped')
  const paths: Record<string, string> = {
    'up.tgz': 'package/../../../../escaped',
    'absolute.tgz': outside,
    'windows.tgz': 'C:\\escaped',
    'back.tgz': 'package\\..\\..\\escaped',
  }
  for (const [file, path] of Object.entries(paths)) await writeFile(join(it.folder, file), archiveOf(path))
  await it.host.start()
  for (const file of Object.keys(paths)) assert.match(it.status(file).error ?? '', /a path that leads elsewhere; nothing of it was unpacked/, file)
  await assert.rejects(access(outside))
})

test('what is no package is a named error', async (t) => {
  const it = await testHost(t)
  await writeFile(join(it.folder, 'garbage.tgz'), 'this is no archive')
  await writeFile(join(it.folder, 'empty.tgz'), '')
  await mkdir(join(it.folder, 'folder.tgz'))
  await dropIn(it.folder, 'hello', { 'index.ts': pluginSource('hello') })
  await it.host.start()
  assert.match(it.status('garbage.tgz').error ?? '', /is no plugin packed with npm pack/)
  assert.match(it.status('empty.tgz').error ?? '', /is no plugin packed with npm pack/)
  assert.equal(it.status('hello').state, 'running')
  assert.equal(it.host.list().length, 3)
})
