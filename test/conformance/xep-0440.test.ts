/** SASL with channel binding: SCRAM's -PLUS forms (RFC 5802 §6, RFC 9266, RFC 5929 §4) and what is offered of it (XEP-0440). */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { childElements, type Element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope, type TestStream } from '@beaconfire/plugin-sdk/testing'

const start = async (t: TestScope, config = {}) => {
  const server = await startTestServer(t, { plugins: [], config })
  await server.accounts.create({ username: 'romeo', password: 'secret' })
  return server
}

const mechanisms = (features: Element) => childElements(features.getChild('mechanisms', NS.sasl) as Element).map((it) => it.getText())
const types = (features: Element) => {
  const offered = features.getChild('sasl-channel-binding', NS.saslChannelBinding)
  return offered && childElements(offered).map((it) => it.attrs.type)
}

/** What a client takes from its own end of the connection, made here without the server's code. */
const exporter = (stream: TestStream) => stream.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
/** The test's certificate is signed with ECDSA and SHA-256. */
const endPoint = (stream: TestStream) => createHash('sha256').update(stream.tls.getPeerCertificate().raw).digest()

async function opened(t: TestScope, tls: ConnectionOptions = {}, config = {}) {
  const server = await start(t, config)
  const stream = await server.connect({ direct: tls })
  return { server, stream, features: await stream.open() }
}

/** Sends a client-first-message. @returns the answer: `challenge`, or the condition and text of the failure */
async function firstAnswer(stream: TestStream, mechanism: string, first: string): Promise<string> {
  stream.send(`<auth xmlns="${NS.sasl}" mechanism="${mechanism}">${Buffer.from(first).toString('base64')}</auth>`)
  const answer = await stream.receive((el) => el.getNS() === NS.sasl)
  if (answer.getName() !== 'failure') return answer.getName()
  return [childElements(answer)[0]?.getName(), answer.getChildText('text')].filter(Boolean).join(' ')
}

describe('what is offered', () => {
  test('inside TLS 1.3: both -PLUS mechanisms before the others, and both types (XEP-0440)', async (t) => {
    const { features } = await opened(t)
    assert.deepEqual(mechanisms(features), ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
    assert.deepEqual(types(features), ['tls-exporter', 'tls-server-end-point'])
  })
  test('inside TLS 1.2: the certificate alone, as the exporter may bind nothing there (RFC 9266 section 3)', async (t) => {
    const { features } = await opened(t, { maxVersion: 'TLSv1.2' })
    assert.deepEqual(types(features), ['tls-server-end-point'])
  })
  test('in clear, or where it is switched off: nothing', async (t) => {
    const server = await start(t)
    const clear = await (await server.connect()).open()
    assert.deepEqual(mechanisms(clear), ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
    assert.equal(types(clear), undefined)
    const { features } = await opened(t, {}, { c2s: { channelBinding: false } })
    assert.deepEqual(mechanisms(features), ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
    assert.equal(types(features), undefined)
  })
  test('after STARTTLS: the same as with direct TLS', async (t) => {
    const server = await start(t)
    const stream = await server.connect({ tls: true })
    const features = await stream.open()
    assert.deepEqual(types(features), ['tls-exporter', 'tls-server-end-point'])
    await stream.authenticate('SCRAM-SHA-256-PLUS', 'romeo', 'secret', { flag: 'p=tls-exporter', data: exporter(stream) })
  })
})

describe('a client that binds logs in', () => {
  for (const mechanism of ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS'] as const) {
    test(`${mechanism} with tls-exporter`, async (t) => {
      const { stream } = await opened(t)
      await stream.authenticate(mechanism, 'romeo', 'secret', { flag: 'p=tls-exporter', data: exporter(stream) })
      await stream.open()
      assert.equal((await stream.bind('x')).toString(), 'romeo@test/x')
    })
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`${mechanism} with tls-server-end-point over ${maxVersion}`, async (t) => {
        const { stream } = await opened(t, { maxVersion })
        await stream.authenticate(mechanism, 'romeo', 'secret', { flag: 'p=tls-server-end-point', data: endPoint(stream) })
      })
    }
  }
  test('the mechanism of its session is the one with channel binding', async (t) => {
    const { server, stream } = await opened(t)
    await stream.authenticate('SCRAM-SHA-1-PLUS', 'romeo', 'secret', { flag: 'p=tls-exporter', data: exporter(stream) })
    await stream.open()
    const jid = await stream.bind()
    assert.equal(server.sessions.get(jid)?.mechanism, 'SCRAM-SHA-1-PLUS')
  })
})

describe('a man in the middle is noticed', () => {
  test('data of another connection does not match, even with the right password', async (t) => {
    const { server, stream } = await opened(t)
    const other = await server.connect({ direct: true })
    const login = stream.authenticate('SCRAM-SHA-256-PLUS', 'romeo', 'secret', { flag: 'p=tls-exporter', data: exporter(other) })
    await assert.rejects(login, /not-authorized/)
    const byType = stream.authenticate('SCRAM-SHA-256-PLUS', 'romeo', 'secret', { flag: 'p=tls-server-end-point', data: exporter(stream) })
    await assert.rejects(byType, /not-authorized/)
    const empty = stream.authenticate('SCRAM-SHA-256-PLUS', 'romeo', 'secret', { flag: 'p=tls-exporter' })
    await assert.rejects(empty, /not-authorized/)
  })
  test('a client that could bind and saw no offer, where there was one, is refused (RFC 5802 section 6)', async (t) => {
    const { stream } = await opened(t)
    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256']) {
      assert.equal(await firstAnswer(stream, mechanism, 'y,,n=romeo,r=abc'), 'not-authorized server-does-support-channel-binding')
    }
  })
  test('the same client logs in where nothing was offered', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    await stream.authenticate('SCRAM-SHA-256', 'romeo', 'secret', { flag: 'y' })
  })
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'] as const) {
    test(`a client that cannot bind logs in without, by ${mechanism} (RFC 5802 section 6)`, async (t) => {
      const { stream } = await opened(t)
      await stream.authenticate(mechanism, 'romeo', 'secret', { flag: 'n' })
    })
  }
})

describe('bad input', () => {
  const cases: [string, string, string, string][] = [
    ['tls-unique, which TLS 1.3 does not have', 'SCRAM-SHA-1-PLUS', 'p=tls-unique,,n=romeo,r=abc', 'not-authorized unsupported-channel-binding-type'],
    ['an unknown type', 'SCRAM-SHA-1-PLUS', 'p=no-such-type,,n=romeo,r=abc', 'not-authorized unsupported-channel-binding-type'],
    ['a type named as an object’s own member', 'SCRAM-SHA-1-PLUS', 'p=constructor,,n=romeo,r=abc', 'not-authorized unsupported-channel-binding-type'],
    ['a type in a mechanism without channel binding', 'SCRAM-SHA-1', 'p=tls-exporter,,n=romeo,r=abc', 'not-authorized channel-binding-not-supported'],
    ['no type', 'SCRAM-SHA-1-PLUS', 'p=,,n=romeo,r=abc', 'malformed-request'],
    ['a client that saw no offer, in a -PLUS mechanism', 'SCRAM-SHA-1-PLUS', 'y,,n=romeo,r=abc', 'not-authorized server-does-support'],
  ]
  for (const [what, mechanism, first, expected] of cases) {
    test(`${what} is refused`, async (t) => {
      const { stream } = await opened(t)
      assert.ok((await firstAnswer(stream, mechanism, first)).startsWith(expected))
    })
  }
  test('the exporter over TLS 1.2 is refused', async (t) => {
    const { stream } = await opened(t, { maxVersion: 'TLSv1.2' })
    assert.equal(await firstAnswer(stream, 'SCRAM-SHA-1-PLUS', 'p=tls-exporter,,n=romeo,r=abc'), 'not-authorized unsupported-channel-binding-type')
  })
  test('clients that try a type the connection does not have keep nobody out: that is no guess at a password', async (t) => {
    const server = await start(t, { limits: { enabled: true, loginAttemptsPerMinute: 2 } })
    for (let client = 0; client < 4; client++) {
      const stream = await server.connect({ direct: true })
      await stream.open()
      assert.match(await firstAnswer(stream, 'SCRAM-SHA-256-PLUS', 'p=tls-unique,,n=romeo,r=abc'), /unsupported-channel-binding-type/)
      await stream.authenticate('PLAIN', 'romeo', 'secret')
    }
  })
  test('a -PLUS mechanism in clear wants encryption', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    assert.equal(await firstAnswer(stream, 'SCRAM-SHA-1-PLUS', 'p=tls-exporter,,n=romeo,r=abc'), 'encryption-required')
  })
  test('a wrong password and an unknown user are the same with channel binding, too', async (t) => {
    const { stream } = await opened(t)
    for (const user of ['romeo', 'nobody']) {
      const login = stream.authenticate('SCRAM-SHA-256-PLUS', user, 'wrong', { flag: 'p=tls-exporter', data: exporter(stream) })
      await assert.rejects(login, /not-authorized/)
    }
  })
})
