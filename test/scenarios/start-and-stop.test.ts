/** The server as its operator meets it: starts on defaults, says what listens where, ends properly. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { TestStream } from '@beaconfire/plugin-sdk/testing'
import { startServerProcess } from '../support/server-process.js'

test('it prints ready with its ports, answers health checks, and ends with 0 within five seconds of SIGTERM', async (t) => {
  const server = await startServerProcess(t)
  assert.ok(server.ports.c2s > 0 && server.ports.admin > 0 && (server.ports.directTls ?? 0) > 0)
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  const begun = performance.now()
  assert.deepEqual(await server.stop(), { code: 0, signal: null })
  assert.ok(performance.now() - begun < 5000)
})

test('SIGTERM ends streams with system-shutdown', async (t) => {
  const server = await startServerProcess(t)
  const stream = await TestStream.connect({ port: server.ports.directTls ?? 0, domain: 'localhost', tls: true })
  t.after(() => stream.drop())
  await stream.open()
  const [exit, closed] = await Promise.all([server.stop(), stream.closed])
  assert.equal(exit.code, 0)
  assert.equal(closed.error, 'system-shutdown')
})

test('started again on the same data, it knows its accounts and keeps its certificate', async (t) => {
  const first = await startServerProcess(t)
  await first.createUsers('juliet')
  const certificate = await readFile(first.certificate)
  await first.stop()

  const second = await startServerProcess(t, { folder: first.folder })
  const stream = await TestStream.connect({ port: second.ports.c2s, domain: 'localhost' })
  t.after(() => stream.drop())
  await stream.open()
  await stream.startTls()
  await stream.open()
  await stream.authenticate('SCRAM-SHA-256', 'juliet', 'juliet')
  await stream.open()
  assert.equal((await stream.bind('balcony')).toString(), 'juliet@localhost/balcony')
  assert.deepEqual(await readFile(second.certificate), certificate)
})

test('a wrong configuration is named, and the exit code is not 0', async (t) => {
  const started = startServerProcess(t, { config: { c2s: { port: 70_000 } } as never })
  await assert.rejects(started, /ended with 1 .*c2s\.port/s)
})

test('a key that cannot be used is named in one line', async (t) => {
  const started = startServerProcess(t, { config: { c2s: { tlsKey: 'no-such-key.pem', tlsCertificate: 'no-such-chain.pem' } } as never })
  await assert.rejects(
    started,
    (error: Error) =>
      /did not start: no-such-key\.pem cannot be read/.test(error.message) && !/^\s+at .*core/m.test(error.message.split('did not start')[1] ?? ''),
  )
})
