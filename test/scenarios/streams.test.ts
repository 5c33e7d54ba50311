/** Streams from opening to end: RFC 6120 §4 to §7, and what ends them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'
import register from '../../plugins/register/index.js'

const start = (t: TestScope, config = {}) => startTestServer(t, { plugins: [ping, register], config })

/** The names of the stream features offered now. */
const names = (features: { children: readonly unknown[] }) => features.children.map((it) => (it as { name: string }).name)

describe('negotiation', () => {
  test('offers STARTTLS alone where TLS is required, SASL and the rest after it, binding after login', async (t) => {
    const server = await start(t, { c2s: { tls: 'required', plainWithoutTls: false } })
    await server.accounts.create({ username: 'romeo', password: 'secret' })
    const stream = await server.connect()
    assert.deepEqual(names(await stream.open()), ['starttls', 'limits'])
    await stream.startTls()
    const secured = await stream.open()
    assert.deepEqual(names(secured), ['mechanisms', 'sasl-channel-binding', 'register', 'limits'])
    assert.deepEqual(
      secured.getChild('mechanisms', NS.sasl)?.children.map((it) => (it as { getText(): string }).getText()),
      ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
    )
    await stream.authenticate('SCRAM-SHA-256', 'romeo', 'secret')
    assert.deepEqual(names(await stream.open()).slice(0, 2), ['bind', 'session'])
    const jid = await stream.bind('orchard')
    assert.equal(jid.toString(), 'romeo@test/orchard')
    const session = await stream.request(
      (await import('@beaconfire/plugin-sdk')).parseElement(`<iq type="set" id="s"><session xmlns="${NS.session}"/></iq>`),
    )
    assert.equal(session.attrs.type, 'result')
  })

  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'] as const) {
    test(`logs in with ${mechanism} over direct TLS (XEP-0368)`, async (t) => {
      const server = await start(t)
      await server.accounts.create({ username: 'romeo', password: 'pässwörd' })
      const stream = await server.connect({ direct: true })
      await stream.open()
      await stream.authenticate(mechanism, 'romeo', 'pässwörd')
      await stream.open()
      await stream.bind()
    })
  }

  test('a wrong password and an unknown user get the same answer, and the stream goes on to another try', async (t) => {
    const server = await start(t)
    await server.accounts.create({ username: 'romeo', password: 'secret' })
    const stream = await server.connect()
    await stream.open()
    for (const user of ['romeo', 'nobody']) {
      const plain = Buffer.from(`\0${user}\0wrong`).toString('base64')
      stream.send(`<auth xmlns="${NS.sasl}" mechanism="PLAIN">${plain}</auth>`)
      const failure = await stream.receive('failure')
      assert.ok(failure.getChild('not-authorized'), user)
    }
    await stream.authenticate('PLAIN', 'romeo', 'secret')
  })

  const refusals: [string, string, string][] = [
    ['a mechanism that is not offered', '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="DIGEST-MD5"/>', 'invalid-mechanism'],
    ['bad base64', '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">*</auth>', 'incorrect-encoding'],
    ['an abort', '<abort xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>', 'aborted'],
    ['a response to nothing', '<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">AA==</response>', 'malformed-request'],
  ]
  for (const [what, xml, condition] of refusals) {
    test(`${what} is answered with ${condition} (RFC 6120 section 6.5)`, async (t) => {
      const server = await start(t)
      const stream = await server.connect()
      await stream.open()
      stream.write(xml)
      assert.ok((await stream.receive('failure')).getChild(condition))
    })
  }

  test('five failed logins end the stream', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    for (let i = 0; i < 5; i++) stream.write(`<auth xmlns="${NS.sasl}" mechanism="PLAIN">${Buffer.from('\0romeo\0no').toString('base64')}</auth>`)
    assert.equal((await stream.closed).error, 'policy-violation')
  })

  test('an account registers before it logs in, and answers go to domain/streamId until then (seed 000)', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    stream.write(
      '<iq id="WoMGt-0" type="set"><query xmlns="jabber:iq:register"><password>88888888</password><username>westlakestudent</username><imei>862186021303189</imei></query></iq>',
    )
    const answer = await stream.receive('iq')
    assert.equal(answer.attrs.type, 'result')
    assert.equal(answer.attrs.to, `test/${stream.header.id}`)
    await stream.authenticate('SCRAM-SHA-1', 'westlakestudent', '88888888')
  })
})

describe('resource conflict', () => {
  const bindTwice = async (server: TestServer) => {
    const first = await server.login('romeo', { resource: 'orchard', available: false })
    const stream = await server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', 'romeo', 'romeo')
    await stream.open()
    return { first, stream }
  }
  test('ends the old session by default', async (t) => {
    const { first, stream } = await bindTwice(await start(t))
    assert.equal((await stream.bind('orchard')).resource, 'orchard')
    assert.equal((await first.closed).error, 'conflict')
  })
  test('refuses the new one under reject-new', async (t) => {
    const { first, stream } = await bindTwice(await start(t, { c2s: { resourceConflict: 'reject-new' } }))
    stream.write(`<iq type="set" id="b"><bind xmlns="${NS.bind}"><resource>orchard</resource></bind></iq>`)
    assert.equal(errorCondition(await stream.receive('iq')), 'conflict')
    await first.sync()
  })
  test('gives the new one another name under rename', async (t) => {
    const { first, stream } = await bindTwice(await start(t, { c2s: { resourceConflict: 'rename' } }))
    assert.match((await stream.bind('orchard')).resource, /^orchard-.+/)
    await first.sync()
  })
})

describe('the end of a stream', () => {
  test('is answered with the closing tag', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo', { available: false })
    assert.equal((await romeo.close()).error, undefined)
  })
  test('in mid-handshake harms nobody', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    stream.write('</stream:stream>')
    assert.equal((await stream.closed).error, undefined)
    await (await server.login('romeo', { available: false })).sync()
  })
  test('by the server says system-shutdown', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo', { available: false })
    await server.stop()
    assert.equal((await romeo.closed).error, 'system-shutdown')
  })
})

describe('bad input', () => {
  const openings: [string, string | Uint8Array, string[]][] = [
    ['no XML at all', 'GET / HTTP/1.1\r\n\r\n', ['not-well-formed', 'bad-format']],
    ['a DTD', '<!DOCTYPE x [<!ENTITY a "b">]><stream:stream/>', ['restricted-xml', 'not-well-formed']],
    ['another root', '<html xmlns="http://www.w3.org/1999/xhtml">', ['invalid-namespace', 'bad-format']],
    ['a root in another namespace', "<stream:stream xmlns='jabber:client' xmlns:stream='urn:other' to='test' version='1.0'>", ['invalid-namespace']],
    [
      'another content namespace',
      "<stream:stream xmlns='jabber:nothing' xmlns:stream='http://etherx.jabber.org/streams' to='test' version='1.0'>",
      ['invalid-namespace'],
    ],
    [
      'another domain',
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='elsewhere' version='1.0'>",
      ['host-unknown'],
    ],
    ['no version', "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='test'>", ['unsupported-version']],
    [
      'another encoding',
      "<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='test' version='1.0'>",
      ['unsupported-encoding'],
    ],
  ]
  for (const [what, bytes, conditions] of openings) {
    test(`${what} instead of a stream header is answered with ${conditions[0]}`, async (t) => {
      const server = await start(t)
      const stream = await server.connect()
      stream.write(bytes)
      const { error } = await stream.closed
      assert.ok(conditions.includes(error ?? ''), `was ${error}`)
    })
  }

  const stanzas: [string, string | Uint8Array, string[]][] = [
    ['a comment', '<!-- c -->', ['restricted-xml']],
    ['a processing instruction', '<?php x?>', ['restricted-xml']],
    ['an entity', '<message to="a@test"><body>&nbsp;</body></message>', ['restricted-xml', 'not-well-formed']],
    ['an unbound prefix', '<message to="a@test"><x:y/></message>', ['bad-namespace-prefix', 'not-well-formed']],
    ['mismatched tags', '<message><body></message>', ['not-well-formed']],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('<message><body>'), Buffer.from([0xc3, 0x28]), Buffer.from('</body></message>')]),
      ['bad-format', 'not-well-formed', 'unsupported-encoding'],
    ],
    ['a stanza that is too long', `<message><body>${'x'.repeat(300_000)}</body></message>`, ['policy-violation']],
    ['a stanza that is too deep', `<message>${'<a>'.repeat(100)}${'</a>'.repeat(100)}</message>`, ['policy-violation']],
    ['a forged from', '<message from="juliet@test" to="juliet@test"><body>1</body></message>', ['invalid-from']],
    ['a stanza in another namespace', '<message xmlns="jabber:server" to="a@test"/>', ['invalid-namespace']],
    ['text between stanzas', 'hello', ['not-well-formed', 'bad-format', 'invalid-xml']],
    ['an unknown element', '<nonsense/>', ['unsupported-stanza-type']],
  ]
  for (const [what, bytes, conditions] of stanzas) {
    test(`${what} ends the stream with ${conditions[0]} and no other`, async (t) => {
      const server = await start(t)
      const [healthy, hostile] = [await server.login('juliet', { available: false }), await server.login('romeo', { available: false })]
      hostile.stream.write(bytes)
      const { error } = await hostile.closed
      assert.ok(conditions.includes(error ?? ''), `was ${error}`)
      await healthy.sync()
    })
  }

  test('a stanza before login is answered with not-authorized', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    stream.write('<message to="juliet@test"><body>1</body></message>')
    assert.equal((await stream.closed).error, 'not-authorized')
  })
  test('a stanza before binding is answered with not-authorized', async (t) => {
    const server = await start(t)
    await server.accounts.create({ username: 'romeo', password: 'romeo' })
    const stream = await server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', 'romeo', 'romeo')
    await stream.open()
    stream.write('<presence/>')
    assert.equal((await stream.closed).error, 'not-authorized')
  })
  test('a second bind is answered with not-allowed and the session goes on', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo', { available: false })
    const answer = await romeo.request(`<iq type="set" id="b"><bind xmlns="${NS.bind}"><resource>other</resource></bind></iq>`)
    assert.equal(errorCondition(answer), 'not-allowed')
    await romeo.sync()
  })
  test('garbage instead of TLS closes the connection and nothing else', async (t) => {
    const server = await start(t)
    const stream = await server.connect()
    await stream.open()
    stream.write(`<starttls xmlns="${NS.tls}"/>`)
    await stream.receive('proceed')
    stream.write('this is no client hello, not at all\r\n'.repeat(10))
    await stream.closed
    await (await server.login('romeo', { available: false })).sync()
  })
  test('a peer that says nothing is closed when its time to log in is over', async (t) => {
    const server = await start(t, { limits: { enabled: false, preAuthenticationSeconds: 1 } })
    const stream = await server.connect()
    assert.equal((await stream.closed).error, 'connection-timeout')
  })
  test('a peer that sends too much before it logs in is closed', async (t) => {
    const server = await start(t, { limits: { enabled: false, preAuthenticationBytes: 10_000 } })
    const stream = await server.connect()
    await stream.open()
    for (let i = 0; i < 30; i++) stream.write(`<iq type="get" id="${i}"><query xmlns="jabber:iq:register">${'<x/>'.repeat(100)}</query></iq>`)
    assert.equal((await stream.closed).error, 'policy-violation')
  })
})
