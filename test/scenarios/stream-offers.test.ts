/** What streams are told of limits (XEP-0478), where they are sent (see-other-host), and the port for direct TLS (XEP-0368). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestConfig, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

const start = async (t: TestScope, config: TestConfig = {}) => {
  const server = await startTestServer(t, { plugins: [], config })
  await server.accounts.create({ username: 'romeo', password: 'romeo' })
  return server
}

const limitsOf = (features: Element) => {
  const limits = features.getChild('limits', NS.streamLimits)
  return [limits?.getChildText('max-bytes'), limits?.getChildText('idle-seconds') ?? undefined]
}

describe('stream limits (XEP-0478)', () => {
  const limits = { enabled: false, stanzaBytes: 50_000, preAuthenticationBytes: 20_000, preAuthenticationSeconds: 25, idleSeconds: 600 }

  test('are those that hold before login, then those that hold after it', async (t) => {
    const server = await start(t, { limits })
    const stream = await server.connect()
    assert.deepEqual(limitsOf(await stream.open()), ['20000', '25'])
    await stream.authenticate('SCRAM-SHA-256', 'romeo', 'romeo')
    assert.deepEqual(limitsOf(await stream.open()), ['50000', '600'])
  })

  test('are told where TLS is all that is offered, too', async (t) => {
    const server = await start(t, { limits, c2s: { tls: 'required' } })
    assert.deepEqual(limitsOf(await (await server.connect()).open()), ['20000', '25'])
  })

  test('do not name idle seconds where silence is never too long', async (t) => {
    const server = await start(t, { limits: { ...limits, idleSeconds: 0 } })
    const stream = await server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', 'romeo', 'romeo')
    assert.deepEqual(limitsOf(await stream.open()), ['50000', undefined])
  })

  test('are what is kept: a stanza of just the size passes, a longer one ends the stream', async (t) => {
    const server = await start(t, { limits })
    const romeo = await server.login('romeo')
    const frame = '<iq type="get" id="x"><q xmlns="urn:q"></q></iq>'
    const sized = (bytes: number) => frame.replace('></q>', `>${'x'.repeat(bytes - frame.length)}</q>`)
    romeo.stream.write(sized(50_000))
    await romeo.receive((el) => el.attrs.id === 'x')
    romeo.stream.write(sized(50_001))
    assert.equal((await romeo.closed).error, 'policy-violation')
  })
})

describe('see-other-host (RFC 6120 section 4.9.3.19)', () => {
  async function redirected(server: TestServer, options: { tls?: boolean; direct?: boolean } = {}): Promise<Element> {
    const stream = await server.connect(options)
    stream.writeHeader()
    const error = await stream.receive('error')
    await stream.closed
    return error
  }

  test('sends new streams where it is configured, with a header before and the end behind', async (t) => {
    const server = await start(t, { c2s: { seeOtherHost: '[2001:db8::1]:5222' } })
    const error = await redirected(server)
    assert.equal(error.getChildText('see-other-host', NS.streamErrors), '[2001:db8::1]:5222')
    assert.equal((await redirected(server, { direct: true })).getChildText('see-other-host', NS.streamErrors), '[2001:db8::1]:5222')
  })

  test('comes inside TLS alone where TLS is required: in clear anybody could send the client anywhere', async (t) => {
    const server = await start(t, { c2s: { tls: 'required', seeOtherHost: 'other.example' } })
    const error = await redirected(server, { tls: true })
    assert.equal(error.getChildText('see-other-host', NS.streamErrors), 'other.example')
  })
})

test('a stream opened to any name is served where that is configured, and answered with the domain', async (t) => {
  const server = await start(t, { c2s: { acceptAnyHost: true } })
  for (const to of ['192.168.8.190', 'elsewhere.example', '[::1]']) {
    const stream = await server.connect()
    await stream.open({ to })
    assert.equal(stream.header.from, 'test')
  }
  const stream = await server.connect()
  stream.writeHeader({ to: 'not a name' })
  assert.equal((await stream.closed).error, 'improper-addressing')
})

describe('direct TLS (XEP-0368)', () => {
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
