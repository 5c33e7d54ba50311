/** RFC 7590 (with RFC 7525): TLS as it must be used for XMPP. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'
import { openStage } from './support/stage.js'

const stage = await openStage({ plugins: [ping], config: { c2s: { tls: 'required', plainWithoutTls: false } } })

/** A TLS connection to the port for direct TLS. */
function handshake(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: stage.server.ports.directTls ?? 0, servername: 'test', rejectUnauthorized: false, ...options })
    socket.once('secureConnect', () => resolve(socket)).once('error', reject)
  })
}

describe('TLS', () => {
  test('is offered, and can be made mandatory (§3.1)', async () => {
    const features = await (await stage.server.connect()).open()
    assert.ok(findChild(features, 'starttls', NS.tls)?.getChild('required'))
  })

  test('is of version 1.3 with a client of today, and of 1.2 with an older one (§1, RFC 7525 §3.1)', async () => {
    for (const [maxVersion, expected] of [
      [undefined, 'TLSv1.3'],
      ['TLSv1.2', 'TLSv1.2'],
    ] as const) {
      const socket = await handshake(maxVersion ? { maxVersion } : {})
      assert.equal(socket.getProtocol(), expected)
      socket.destroy()
    }
  })

  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    test(`is not of version ${version} (RFC 7525 §3.1.1)`, async () => {
      await assert.rejects(handshake({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }), /protocol version|alert/i)
    })
  }

  test('has forward secrecy and authenticated encryption, and no key transport by RSA (RFC 7525 §4.1, §4.2)', async () => {
    const socket = await handshake({ maxVersion: 'TLSv1.2' })
    assert.match(socket.getCipher().name, /^ECDHE-.*(GCM|POLY1305)/)
    socket.destroy()
    await assert.rejects(handshake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:AES256-GCM-SHA384' }), /handshake failure|alert/i)
  })
})

describe('authentication', () => {
  test('of the server is by a certificate for its domain (§3.4)', async () => {
    const socket = await handshake({})
    const certificate = socket.getPeerX509Certificate()
    assert.ok(certificate?.checkHost('test'))
    socket.destroy()
  })

  test('of the client comes before anything else: nothing is answered for who has not logged in (§3.4)', async () => {
    const stream = await stage.server.connect({ tls: true })
    await stream.open()
    stream.write('<iq type="get" id="1" to="test"><ping xmlns="urn:xmpp:ping"/></iq>')
    assert.equal(errorCondition(await stream.receive('iq')), 'not-authorized')
  })
})
