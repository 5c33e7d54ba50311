/** What a peer may send, told before and after login (XEP-0478). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestConfig, type TestScope } from '@beaconfire/plugin-sdk/testing'

const start = async (t: TestScope, config: TestConfig = {}) => {
  const server = await startTestServer(t, { plugins: [], config })
  await server.accounts.create({ username: 'romeo', password: 'romeo' })
  return server
}

const limitsOf = (features: Element) => {
  const limits = features.getChild('limits', NS.streamLimits)
  return [limits?.getChildText('max-bytes'), limits?.getChildText('idle-seconds') ?? undefined]
}

describe('stream limits', () => {
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
