import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Logger } from '@beaconfire/plugin-sdk'
import { createSelfSignedCertificate } from './self-signed-certificate.js'
import { loadTls, TlsFilesUnusable } from './tls-context.js'

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

function logOf(warnings: string[]): Logger {
  const log: Logger = { debug() {}, info() {}, warn: (_fields, message) => void warnings.push(message), error: () => assert.fail(), child: () => log }
  return log
}

const silent = logOf([])

test('without files a development certificate is made once, kept, and named in a warning at each start', async (t) => {
  const dataFolder = await folderFor(t)
  const warnings: string[] = []
  const settings = { dataFolder, domain: 'im.example', log: logOf(warnings) }
  const first = await loadTls(settings)
  const second = await loadTls(settings)
  assert.equal(first.selfSigned, true)
  assert.equal(second.certificatePem, first.certificatePem)
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /self-signed.*c2s\.tlsKey and c2s\.tlsCertificate/)
  assert.equal((await stat(join(dataFolder, 'tls', 'development-key.pem'))).mode & 0o777, 0o600)
})

test('a development certificate is valid for its domain and for 825 days', async (t) => {
  const { certificatePem } = await loadTls({ dataFolder: await folderFor(t), domain: 'bücher.example', log: silent })
  const certificate = new X509Certificate(certificatePem)
  assert.equal(certificate.subjectAltName, 'DNS:xn--bcher-kva.example')
  assert.equal(certificate.checkHost('xn--bcher-kva.example'), 'xn--bcher-kva.example')
  assert.ok(certificate.verify(certificate.publicKey))
  assert.equal(Math.round((Date.parse(certificate.validTo) - Date.now()) / 86_400_000), 825)
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
})

test('a development certificate is made anew for another domain', async (t) => {
  const dataFolder = await folderFor(t)
  for (const domain of ['a.example', 'b.example', '127.0.0.1', '[::1]', `${'long-label.'.repeat(9)}example`]) {
    const { certificatePem } = await loadTls({ dataFolder, domain, log: silent })
    assert.equal((await loadTls({ dataFolder, domain, log: silent })).certificatePem, certificatePem)
    const name = new X509Certificate(certificatePem).subjectAltName ?? ''
    assert.equal(name, domain === '[::1]' ? 'IP Address:0:0:0:0:0:0:0:1' : `${domain === '127.0.0.1' ? 'IP Address' : 'DNS'}:${domain}`)
  }
})

test('a development certificate about to expire, damaged, or without its key is replaced', async (t) => {
  const dataFolder = await folderFor(t)
  const load = async () => (await loadTls({ dataFolder, domain: 'localhost', log: silent })).certificatePem
  const files = ['development-key.pem', 'development-certificate.pem'].map((it) => join(dataFolder, 'tls', it)) as [string, string]
  const first = await load()
  const old = createSelfSignedCertificate('localhost', Date.now() - 800 * 86_400_000)
  await writeFile(files[0], old.key)
  await writeFile(files[1], old.certificate)
  const second = await load()
  assert.notEqual(second, first)
  assert.notEqual(second, old.certificate)
  await writeFile(files[0], createSelfSignedCertificate('localhost').key)
  const third = await load()
  assert.notEqual(third, second)
  await writeFile(files[1], 'nonsense')
  assert.notEqual(await load(), third)
  assert.equal(await readFile(files[1], 'utf8'), await load())
})

test("the operator's key and certificate are used as they are", async (t) => {
  const dataFolder = await folderFor(t)
  const { key, certificate } = createSelfSignedCertificate('im.example')
  const [keyFile, certificateFile] = [join(dataFolder, 'key.pem'), join(dataFolder, 'certificate.pem')]
  await writeFile(keyFile, key)
  await writeFile(certificateFile, certificate)
  const warnings: string[] = []
  const loaded = await loadTls({ keyFile, certificateFile, dataFolder, domain: 'im.example', log: logOf(warnings) })
  assert.deepEqual([loaded.certificatePem, loaded.selfSigned, warnings], [certificate, false, []])
})

test('files that cannot serve are named in the error', async (t) => {
  const dataFolder = await folderFor(t)
  const [keyFile, certificateFile, missing] = ['key.pem', 'certificate.pem', 'missing.pem'].map((it) => join(dataFolder, it)) as [
    string,
    string,
    string,
  ]
  await writeFile(keyFile, createSelfSignedCertificate('a').key)
  await writeFile(certificateFile, createSelfSignedCertificate('a').certificate)
  const load = (files: { keyFile?: string; certificateFile?: string }) => loadTls({ ...files, dataFolder, domain: 'a', log: silent })
  const refused = async (files: { keyFile?: string; certificateFile?: string }, ...words: string[]) => {
    await assert.rejects(load(files), (error) => error instanceof TlsFilesUnusable && words.every((word) => error.message.includes(word)))
  }
  await refused({ keyFile }, 'c2s.tlsKey', 'c2s.tlsCertificate')
  await refused({ keyFile, certificateFile: missing }, missing, 'ENOENT')
  await refused({ keyFile, certificateFile }, keyFile, certificateFile, 'not that of')
  await refused({ keyFile: certificateFile, certificateFile }, certificateFile, 'no PEM private key')
  await refused({ keyFile, certificateFile: keyFile }, keyFile, 'no PEM certificate')
})
