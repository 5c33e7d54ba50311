/** With `plugins.trustedKeys` the admin API takes packages that one of them signed, and no others. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import { create } from 'tar'

const source = (version: string) => `
import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'hello', version: '${version}', setup: () => ({}) })`

test('a package is taken with a signature by a trusted key, and refused with a wrong one, another one, or none', async (t) => {
  const base = await mkdtemp(path.join(tmpdir(), 'beaconfire-signed-'))
  t.after(() => rm(base, { recursive: true, force: true }))
  const pack = async (version: string) => {
    await mkdir(path.join(base, 'package'), { recursive: true })
    await writeFile(path.join(base, 'package/package.json'), JSON.stringify({ name: 'hello', version, type: 'module' }))
    await writeFile(path.join(base, 'package/index.ts'), source(version))
    await create({ file: path.join(base, 'hello.tgz'), gzip: true, cwd: base }, ['package'])
    return readFile(path.join(base, 'hello.tgz'))
  }
  const [trusted, stranger] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const trustedKeys = [trusted.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')]
  const server = await startTestServer(t, { config: { plugins: { folders: [path.join(base, 'plugins')], trustedKeys } } })
  const send = async (body: Buffer, query: string, at = '') => {
    const answer = await server.admin(`/api/v1/plugins${at}?${query}`, { method: 'POST', body, headers: { 'content-type': 'application/gzip' } })
    const { code, message } = (await answer.json()) as { code?: string; message?: string }
    return { status: answer.status, code, message }
  }
  /** As `base64 | tr '+/' '-_'` writes it: what a query would take for something else is not in it. */
  const signature = (file: Buffer, key: KeyObject) =>
    `signature=${sign(null, file, key).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`
  const sha256 = (file: Buffer) => `sha256=${createHash('sha256').update(file).digest('hex')}`

  const first = await pack('1.0.0')
  const refusals = [
    [sha256(first), /send a signature of the package by one of plugins\.trustedKeys/],
    [signature(first, stranger.privateKey), /the signature is by none of plugins\.trustedKeys/],
    [signature(Buffer.from('another file'), trusted.privateKey), /by none of/],
    ['signature=bm9uc2Vuc2U', /by none of/],
    [`${signature(first, trusted.privateKey)}&${sha256(Buffer.from('another file'))}`, /another checksum/],
  ] as const
  for (const [query, reason] of refusals) {
    const refused = await send(first, query)
    assert.deepEqual([refused.status, refused.code], [400, 'package-refused'])
    assert.match(refused.message ?? '', reason)
  }
  assert.equal(server.plugins.find('hello'), undefined)

  assert.equal((await send(first, signature(first, trusted.privateKey))).status, 200)
  assert.equal(server.plugins.find('hello')?.version, '1.0.0')
  const second = await pack('2.0.0')
  assert.equal((await send(second, signature(first, trusted.privateKey))).status, 400)
  assert.equal((await send(second, sha256(second), '/hello/shadow/package')).status, 400)
  assert.equal(server.plugins.find('hello')?.version, '1.0.0')
  assert.equal((await send(second, `${signature(second, trusted.privateKey)}&${sha256(second)}`)).status, 200)
  assert.equal(server.plugins.find('hello')?.version, '2.0.0')

  const folder = await server.admin('/api/v1/plugins/hello/shadow', { method: 'POST', json: { folder: path.join(base, 'package') } })
  assert.equal(folder.status, 400)
})
