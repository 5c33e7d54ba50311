import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'node:test'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { Bound, closeOf, readText, secureContext, startListener } from './connected-pair.fixture.js'
import { createSelfSignedCertificate } from './self-signed-certificate.js'
import { listen } from './tcp-listener.js'

test('connections are handed over with the address of the peer', async (t) => {
  const listener = await startListener(t, { host: '::' })
  await listener.connect()
  const transport = await listener.accepted()
  assert.deepEqual([transport.remoteAddress, transport.isSecure], ['127.0.0.1', false])
})

test('direct TLS: the connection is secure from the first byte, with the protocol of XEP-0368', async (t) => {
  const listener = await startListener(t, { directTls: secureContext })
  const client = connectTls({ port: listener.port, host: '127.0.0.1', ALPNProtocols: ['xmpp-client'], rejectUnauthorized: false })
  t.after(() => client.destroy())
  await once(client, 'secureConnect')
  client.write('hello')
  assert.equal(client.alpnProtocol, 'xmpp-client')
  const bound = new Bound(await listener.accepted())
  assert.equal(bound.transport.isSecure, true)
  await bound.until((it) => it.text === 'hello')
  bound.transport.write('answer')
  assert.equal(await readText(client, 6), 'answer')
})

test('direct TLS: a client without ALPN is served, one that wants another protocol is not', async (t) => {
  const listener = await startListener(t, { directTls: secureContext })
  const client = connectTls({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false })
  t.after(() => client.destroy())
  await once(client, 'secureConnect')
  assert.equal((await listener.accepted()).isSecure, true)
  const other = connectTls({ port: listener.port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false })
  const [error] = (await once(other, 'error')) as [Error]
  assert.match(error.message, /no application protocol|alert/)
})

test('direct TLS: garbage is logged once and harms nobody else', async (t) => {
  const listener = await startListener(t, { directTls: secureContext })
  const garbage = await listener.connect()
  garbage.resume()
  garbage.write(`<?xml version='1.0'?><stream:stream>`.repeat(10))
  await closeOf(garbage)
  const client = connectTls({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false })
  t.after(() => client.destroy())
  await once(client, 'secureConnect')
  await listener.accepted()
  assert.deepEqual(listener.logged, ['info TLS handshake failed'])
})

test('direct TLS: a peer that says nothing is cut off, and one in a handshake when the listener closes', async (t) => {
  const impatient = await startListener(t, { directTls: secureContext, handshakeTimeoutMs: 20 })
  const silent = await impatient.connect()
  silent.resume()
  await closeOf(silent)
  const listener = await startListener(t, { directTls: secureContext })
  const client = await listener.connect()
  client.resume()
  client.write(Buffer.from([0x16, 0x03, 0x01]))
  await new Promise((resolve) => setImmediate(resolve))
  await listener.close()
  await closeOf(client)
})

test('a new certificate is used for connections that come after it', async (t) => {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    directTls: secureContext,
    onConnection: (it) => it.destroy(),
    log: (await startListener(t)).log,
  })
  t.after(() => listener.close())
  const { key, certificate } = createSelfSignedCertificate('renewed.example')
  listener.setSecureContext(createSecureContext({ key, cert: certificate }))
  const client = connectTls({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false })
  client.on('error', () => {})
  await once(client, 'secureConnect')
  assert.equal(client.getPeerCertificate().subject.CN, 'renewed.example')
  client.destroy()
})

test('connections from one address are limited, and their places come free, also after STARTTLS', async (t) => {
  const listener = await startListener(t, { maxConnectionsPerAddress: 1 })
  const first = await listener.connect()
  const transport = await listener.accepted()
  const refused = await listener.connect()
  refused.resume()
  await closeOf(refused)
  assert.deepEqual(listener.logged, ['info too many connections from one address'])
  const bound = new Bound(transport)
  const started = transport.startTls(secureContext)
  const tls = connectTls({ socket: first, rejectUnauthorized: false })
  await once(tls, 'secureConnect')
  await started
  transport.end()
  await bound.closed()
  await new Promise((resolve) => setImmediate(resolve))
  await listener.connect()
  await listener.accepted()
})

test('a handler that throws loses its connection only', async (t) => {
  let count = 0
  const listener = await startListener(t, {
    onConnection: (it) => {
      if (count++ === 0) throw new Error('not this one')
      it.destroy()
    },
  })
  for (let i = 0; i < 2; i++) {
    const client = await listener.connect()
    client.resume()
    await closeOf(client)
  }
  assert.deepEqual([count, listener.logged], [2, ['error a connection could not be taken over']])
})

test('a port in use is an error of listen', async (t) => {
  const { port, log } = await startListener(t)
  await assert.rejects(listen({ host: '127.0.0.1', port, onConnection() {}, log }), { code: 'EADDRINUSE' })
})

test('after close the port is free while connections go on', async (t) => {
  const listener = await startListener(t)
  const client = await listener.connect()
  const bound = new Bound(await listener.accepted())
  await listener.close()
  const next = createServer().listen(listener.port, '127.0.0.1')
  await once(next, 'listening')
  next.close()
  client.write('still here')
  await bound.until((it) => it.text === 'still here')
})
