/** What a stream offers with the plugins the server ships; the rules of streams are held by test/conformance/rfc6120. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
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
