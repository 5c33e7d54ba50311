/** SASL EXTERNAL: login by client certificate (RFC 6120 §6.3, §13.7.1.4; XEP-0178 §2). */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { childElements, type Element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope, type TestServer, type TestStream } from '@beaconfire/plugin-sdk/testing'
import { TestAuthority } from '../support/client-certificates.js'

const authority = new TestAuthority('trusted')
const stranger = new TestAuthority('stranger')

/** A server that trusts `authority`, with accounts romeo and juliet. */
async function start(t: TestScope, config: object = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-ca-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'ca.pem')
  await writeFile(file, authority.certificate)
  const server = await startTestServer(t, { plugins: [], config: { c2s: { tlsClientCa: file, ...config } } })
  for (const username of ['romeo', 'juliet']) await server.accounts.create({ username, password: username })
  return server
}

const offersExternal = (features: Element) =>
  childElements(features.getChild('mechanisms', NS.sasl) as Element).some((it) => it.getText() === 'EXTERNAL')

async function connect(server: TestServer, tls: ConnectionOptions): Promise<{ stream: TestStream; isOffered: boolean }> {
  const stream = await server.connect({ direct: tls })
  return { stream, isOffered: offersExternal(await stream.open()) }
}

/** @returns `success`, `challenge` or the condition of the failure */
async function external(stream: TestStream, authzid?: string): Promise<string | undefined> {
  const text = authzid === undefined ? '' : authzid === '' ? '=' : Buffer.from(authzid).toString('base64')
  stream.send(`<auth xmlns="${NS.sasl}" mechanism="EXTERNAL">${text}</auth>`)
  const answer = await stream.receive((el) => el.getNS() === NS.sasl)
  return answer.getName() === 'failure' ? childElements(answer)[0]?.getName() : answer.getName()
}

async function bound(stream: TestStream): Promise<string> {
  await stream.open()
  return (await stream.bind('x')).toString()
}

describe('a certificate with one address', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`logs its account in over direct TLS, ${maxVersion}, without an authorization identity`, async (t) => {
      const { stream, isOffered } = await connect(await start(t), { ...authority.issue({ xmpp: ['romeo@test'] }), maxVersion })
      assert.ok(isOffered)
      assert.equal(await external(stream, ''), 'success')
      assert.equal(await bound(stream), 'romeo@test/x')
    })
  }

  test('logs its account in after STARTTLS, offered first of all mechanisms', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    assert.ok(!offersExternal(await stream.open()))
    await stream.startTls(authority.issue({ xmpp: ['romeo@test'] }))
    const features = await stream.open()
    assert.equal(features.getChild('mechanisms', NS.sasl)?.getChildText('mechanism'), 'EXTERNAL')
    assert.equal(await external(stream, 'romeo@test'), 'success')
    const jid = await bound(stream)
    assert.equal([...server.sessions.all()][0]?.mechanism, 'EXTERNAL')
    assert.equal(jid, 'romeo@test/x')
  })

  test('is asked for the identity by an empty challenge when it comes without a response (RFC 4422 appendix A)', async (t) => {
    const { stream } = await connect(await start(t), authority.issue({ xmpp: ['romeo@test'] }))
    assert.equal(await external(stream), 'challenge')
    stream.send(`<response xmlns="${NS.sasl}"/>`)
    await stream.receive('success')
  })

  test('does not act for another account, nor for a resource (RFC 6120 section 6.3.8)', async (t) => {
    const { stream } = await connect(await start(t), authority.issue({ xmpp: ['romeo@test'] }))
    for (const authzid of ['juliet@test', 'romeo@elsewhere', 'romeo@test/x', 'test', '@@']) {
      assert.equal(await external(stream, authzid), 'invalid-authzid', authzid)
    }
    assert.equal((await stream.closed).error, 'policy-violation')
  })

  test('logs in again on a resumed TLS session', async (t) => {
    const server = await start(t)
    const certificate = authority.issue({ xmpp: ['romeo@test'] })
    const first = await connect(server, certificate)
    assert.equal(await external(first.stream, ''), 'success')
    const session = first.stream.tls.getSession()
    const again = await connect(server, { ...certificate, ...(session && { session }) })
    assert.ok(again.stream.tls.isSessionReused())
    assert.equal(await external(again.stream, ''), 'success')
  })
})

describe('a certificate with several addresses', () => {
  const certificate = () => authority.issue({ xmpp: ['romeo@test', 'juliet@test', 'nobody@test', 'romeo@elsewhere'] })
  test('must say which it means (XEP-0178 section 2)', async (t) => {
    const { stream, isOffered } = await connect(await start(t), certificate())
    assert.ok(isOffered)
    assert.equal(await external(stream, ''), 'invalid-authzid')
    assert.equal(await external(stream, 'nobody@test'), 'invalid-authzid')
    assert.equal(await external(stream, 'juliet@test'), 'success')
    assert.equal(await bound(stream), 'juliet@test/x')
  })
  test('of which one alone is an account here need not', async (t) => {
    const { stream } = await connect(await start(t), authority.issue({ xmpp: ['nobody@test', 'ROMEO@test', 'romeo@test'] }))
    assert.equal(await external(stream, ''), 'success')
    assert.equal(await bound(stream), 'romeo@test/x')
  })
})

describe('EXTERNAL is not offered, and other mechanisms go on', () => {
  const cases: [string, ConnectionOptions][] = [
    ['without a certificate', {}],
    ['with one of an authority that is not trusted', stranger.issue({ xmpp: ['romeo@test'] })],
    ['with one that has expired', authority.issue({ xmpp: ['romeo@test'], validDays: -1 })],
    ['with one of no account here', authority.issue({ xmpp: ['nobody@test', 'romeo@elsewhere'] })],
    ['with one that names romeo as common name alone', authority.issue({})],
    ['with an e-mail address, unless configured', authority.issue({ email: ['romeo@test'] })],
    [
      'with an address that is no JID, or has a resource',
      authority.issue({ xmpp: ['romeo@test/x', 'ro meo@test', 'romeo@test\0.example', '', 'test'] }),
    ],
  ]
  for (const [what, tls] of cases) {
    test(what, async (t) => {
      const { stream, isOffered } = await connect(await start(t), tls)
      assert.ok(!isOffered)
      assert.equal(await external(stream, 'romeo@test'), 'not-authorized')
      assert.equal(await external(stream, ''), 'not-authorized')
      await stream.authenticate('SCRAM-SHA-256', 'romeo', 'romeo')
    })
  }

  test('in clear, where it wants encryption', async (t) => {
    const stream = await (await start(t)).connect()
    assert.ok(!offersExternal(await stream.open()))
    assert.equal(await external(stream, ''), 'encryption-required')
  })

  test('where no authority is configured', async (t) => {
    const server = await startTestServer(t, { plugins: [] })
    await server.accounts.create({ username: 'romeo', password: 'romeo' })
    const { stream, isOffered } = await connect(server, authority.issue({ xmpp: ['romeo@test'] }))
    assert.ok(!isOffered)
    assert.equal(await external(stream, ''), 'invalid-mechanism')
  })
})

test('an e-mail address stands for the account where that is configured, and the certificate has no XMPP address', async (t) => {
  const server = await start(t, { clientCertificateEmail: true })
  const { stream } = await connect(server, authority.issue({ email: ['romeo@elsewhere', 'romeo@test'] }))
  assert.equal(await external(stream, ''), 'success')
  assert.equal(await bound(stream), 'romeo@test/x')
  const other = await connect(server, authority.issue({ xmpp: ['juliet@elsewhere'], email: ['romeo@test'] }))
  assert.ok(!other.isOffered)
})

test('an account that is disabled is refused, certificate or not', async (t) => {
  const server = await start(t)
  await server.accounts.setDisabled('romeo', true)
  const { stream } = await connect(server, authority.issue({ xmpp: ['romeo@test'] }))
  assert.equal(await external(stream, ''), 'account-disabled')
})

test('a certificate that was revoked is not taken (RFC 6120 section 13.7.2)', async (t) => {
  const [revoked, valid] = [authority.issue({ xmpp: ['romeo@test'] }), authority.issue({ xmpp: ['romeo@test'] })]
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-crl-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'revoked.pem')
  await writeFile(file, authority.revocations([revoked]))
  const server = await start(t, { tlsClientRevocations: file })
  assert.ok(!(await connect(server, revoked)).isOffered)
  assert.ok((await connect(server, valid)).isOffered)
})

test('a file of authorities that cannot be read keeps the server from starting, and says which', async (t) => {
  await assert.rejects(startTestServer(t, { plugins: [], config: { c2s: { tlsClientCa: '/no/such/ca.pem' } } }), /\/no\/such\/ca\.pem/)
})
