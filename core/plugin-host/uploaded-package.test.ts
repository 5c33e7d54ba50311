import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { access, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { create } from 'tar'
import { dropIn, pluginSource, type TestHost, testHost, writeFiles } from './plugin-host.fixture.js'
import { PackageRefused, PluginLoadFailed } from './registries.js'
import { checkProof, trustedKeys } from './uploaded-package.js'

const sha256 = (file: Uint8Array) => createHash('sha256').update(file).digest('hex')

async function packed(it: TestHost, source: string, { name = 'packed', more = async (_folder: string): Promise<void> => undefined } = {}) {
  const staging = dirname(it.folder)
  await rm(join(staging, 'package'), { recursive: true, force: true })
  await writeFiles(join(staging, 'package'), {
    'package.json': JSON.stringify({ name, version: '1.0.0', type: 'module' }),
    'index.ts': source,
  })
  await more(join(staging, 'package'))
  await create({ file: join(staging, 'packed.tgz'), gzip: true, cwd: staging }, ['package'])
  return readFile(join(staging, 'packed.tgz'))
}

async function install(it: TestHost, file: Uint8Array) {
  return it.host.install(file, { sha256: sha256(file) })
}

test('an uploaded package is installed, replaced, and there after the next start', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  const status = await install(it, await packed(it, pluginSource('packed', '1.0.0')))
  assert.deepEqual([status.state, status.version], ['running', '1.0.0'])
  await install(it, await packed(it, pluginSource('packed', '2.0.0')))
  assert.deepEqual(it.registries.registered, ['packed/2.0.0'])
  assert.deepEqual(await readdir(it.folder), ['packed.tgz'])
  await it.host.rescan()
  assert.equal(it.status('packed').reloads, 1)
})

test('where the new version fails the package of before is put back, and its plugin was never stopped', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  const first = await packed(it, pluginSource('packed', '1.0.0'))
  await install(it, first)
  for (const source of [
    'this is no code',
    pluginSource('packed', '2.0.0', { contributions: `start() { throw new Error('no luck') }` }),
    pluginSource('packed', '2.0.0', { contributions: `healthy: () => false` }),
  ]) {
    await assert.rejects(
      packed(it, source).then((file) => install(it, file)),
      PluginLoadFailed,
    )
    assert.deepEqual(await readFile(join(it.folder, 'packed.tgz')), first)
    assert.deepEqual(await readdir(it.folder), ['packed.tgz'])
    await it.host.rescan()
    assert.deepEqual([it.status('packed').version, it.status('packed').reloads], ['1.0.0', 0])
    assert.match(it.status('packed').error ?? '', /^plugin "packed": /)
  }
})

test('a package that never ran leaves nothing behind', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  await assert.rejects(
    packed(it, 'this is no code').then((file) => install(it, file)),
    /PluginLoadFailed: plugin "packed"/,
  )
  assert.deepEqual([await readdir(it.folder), it.host.list()], [[], []])
})

test('what was unpacked is removed once no package is it and nothing that runs came from it', async (t) => {
  const it = await testHost(t)
  const unpacked = () => readdir(join(dirname(it.folder), 'data', 'plugin-packages'))
  await it.host.start()
  const first = await packed(it, pluginSource('packed', '1.0.0'))
  await install(it, first)
  const [kept] = await unpacked()
  await assert.rejects(packed(it, pluginSource('packed', '2.0.0', { contributions: 'healthy: () => false' })).then((file) => install(it, file)))
  await assert.rejects(packed(it, '', { name: 'UPPER' }).then((file) => install(it, file)))
  assert.deepEqual(await unpacked(), [kept])
  await install(it, await packed(it, pluginSource('packed', '3.0.0')))
  const [next, ...more] = await unpacked()
  assert.deepEqual(more, [])
  assert.notEqual(next, kept)
  // The file of the version that serves is gone, but it serves still.
  await writeFile(join(it.folder, 'packed.tgz'), 'no archive')
  await it.host.rescan()
  assert.deepEqual([it.states(), await unpacked()], [{ packed: 'running' }, [next]])
  assert.match(it.status('packed').error ?? '', /is no plugin packed with npm pack/)
  await rm(join(it.folder, 'packed.tgz'))
  await it.host.rescan()
  assert.deepEqual([it.states(), await unpacked()], [{}, []])
})

test('a package whose checksum is wrong or missing is refused before it is looked at', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  const file = await packed(it, pluginSource('packed'))
  await assert.rejects(it.host.install(file, {}), /PackageRefused: send the checksum of the package as sha256/)
  await assert.rejects(it.host.install(file, { sha256: sha256(Buffer.from('other')) }), /PackageRefused: the package has another checksum/)
  await assert.rejects(it.host.install(file, { sha256: 'abc' }), /64 hexadecimal digits/)
  assert.deepEqual(await readdir(it.folder), [])
})

test('links, paths that lead elsewhere and names that are none are refused, and nothing is unpacked', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  const linked = await packed(it, pluginSource('packed'), { more: (folder) => symlink('/etc/passwd', join(folder, 'passwd')) })
  await assert.rejects(install(it, linked), /neither file nor folder but SymbolicLink/)
  for (const name of ['../escaped', '@acme/plugin-../../escaped', 'UPPER', '']) {
    const file = await packed(it, pluginSource('packed'), { name })
    await assert.rejects(install(it, file), PackageRefused, name)
  }
  await assert.rejects(install(it, Buffer.from('no archive')), /PackageRefused: this is no plugin packed with npm pack/)
  assert.deepEqual([await readdir(it.folder), it.host.list()], [[], []])
  await assert.rejects(access(join(dirname(it.folder), 'escaped')))
})

test('a package that would unpack to more than is allowed is refused without being unpacked', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  const bomb = await packed(it, pluginSource('packed'), {
    more: (folder) => writeFiles(folder, { 'zeros.txt': '\0'.repeat(65 * 1024 * 1024) }),
  })
  assert.ok(bomb.length < 1024 * 1024)
  await assert.rejects(install(it, bomb), /is larger than 67108864 bytes unpacked/)
})

test('a folder that somebody works in is not replaced by a package', async (t) => {
  const it = await testHost(t)
  await dropIn(it.folder, 'packed', { 'index.ts': pluginSource('packed') })
  await it.host.start()
  await assert.rejects(
    packed(it, pluginSource('packed', '2.0.0')).then((file) => install(it, file)),
    /is there already, as .*packed; remove or disable it/,
  )
  assert.equal(it.status('packed').version, '1.0.0')
})

test('an upload makes the plugins folder where there is none yet', async (t) => {
  const it = await testHost(t)
  await it.host.start()
  const file = await packed(it, pluginSource('packed'))
  await rm(it.folder, { recursive: true })
  assert.equal((await install(it, file)).state, 'running')
  await mkdir(it.folder, { recursive: true })
})

test('with trusted keys only what one of them signed is taken', () => {
  const [mine, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const file = Buffer.from('a package')
  const raw = mine.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
  const pem = mine.publicKey.export({ format: 'pem', type: 'spki' }).toString()
  for (const key of [raw, pem]) {
    const keys = trustedKeys([key])
    const signature = sign(null, file, mine.privateKey).toString('base64')
    checkProof(file, { signature }, keys)
    assert.throws(() => checkProof(Buffer.from('another'), { signature }, keys), /by none of plugins\.trustedKeys/)
    assert.throws(() => checkProof(file, { signature: sign(null, file, other.privateKey).toString('base64') }, keys), /by none of/)
    assert.throws(() => checkProof(file, { sha256: sha256(file) }, keys), /send a signature/)
    assert.throws(() => checkProof(file, { signature, sha256: sha256(Buffer.from('x')) }, keys), /another checksum/)
  }
  assert.throws(() => checkProof(file, { signature: 'x' }, []), /plugins\.trustedKeys is empty/)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' }).toString()
  assert.throws(() => trustedKeys([raw, rsa]), /plugins\.trustedKeys\[1\] is no Ed25519 public key/)
  assert.throws(() => trustedKeys(['nonsense']), /plugins\.trustedKeys\[0\]/)
})
