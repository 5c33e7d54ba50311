/** TLS from the first byte on (XEP-0368). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { startTestServer, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

const start = (t: TestScope) => startTestServer(t, { plugins: [] })

describe('direct TLS', () => {
  const hello = (server: TestServer, options: object) =>
    new Promise<string>((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port: server.ports.directTls as number, rejectUnauthorized: false, ...options })
      socket.once('secureConnect', () => {
        resolve(`secure ${socket.alpnProtocol}`)
        socket.destroy()
      })
      socket.once('error', (error: Error & { code?: string }) => resolve(String(error.code)))
    })

  test('takes xmpp-client among the protocols of ALPN, or none at all, whatever name SNI asks for', async (t) => {
    const server = await start(t)
    assert.equal(await hello(server, { ALPNProtocols: ['xmpp-client'], servername: 'test' }), 'secure xmpp-client')
    assert.equal(await hello(server, { ALPNProtocols: ['h2', 'xmpp-client'], servername: 'other.example' }), 'secure xmpp-client')
    assert.equal(await hello(server, {}), 'secure false')
  })

  test('refuses other protocols by the alert no_application_protocol (RFC 7301 section 3.2)', async (t) => {
    const server = await start(t)
    for (const ALPNProtocols of [['h2'], ['xmpp-server'], ['http/1.1', 'imap']]) {
      assert.match(await hello(server, { ALPNProtocols }), /NO_APPLICATION_PROTOCOL/)
    }
  })

  test('closes on a client that begins in clear, and serves the next', async (t) => {
    const server = await start(t)
    const socket = connect(server.ports.directTls as number, '127.0.0.1')
    socket.on('error', () => {}) // how it ends is of no matter here
    socket.write("<?xml version='1.0'?><stream:stream to='test'>")
    await new Promise((resolve) => socket.resume().once('close', resolve))
    await (await server.connect({ direct: true })).open()
  })
})
