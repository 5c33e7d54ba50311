/** RFC 6120 §5: STARTTLS. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import type { TestStream } from '@beaconfire/plugin-sdk/testing'
import ping from '../../../plugins/ping/index.js'
import { openStage } from '../support/stage.js'

const plugins = [ping]
const optional = await openStage({ plugins })
const required = await openStage({ plugins, config: { c2s: { tls: 'required', plainWithoutTls: false } } })
const names = (features: Element) => childElements(features).map((it) => it.getName())
const STARTTLS = `<starttls xmlns="${NS.tls}"/>`

async function opened(stage = optional): Promise<TestStream> {
  const stream = await stage.server.connect()
  await stream.open()
  return stream
}

describe('the feature', () => {
  test('is offered with SASL where TLS may be left out, without <required/> (§5.4.1)', async () => {
    const features = await (await optional.server.connect()).open()
    assert.ok(names(features).includes('starttls') && names(features).includes('mechanisms'))
    assert.equal(findChild(features, 'starttls', NS.tls)?.children.length, 0)
  })

  test('is all there is to negotiate, with <required/>, where TLS is mandatory (§5.3.1, §5.4.1)', async () => {
    const features = await (await required.server.connect()).open()
    assert.deepEqual(
      names(features).filter((it) => it !== 'limits'),
      ['starttls'],
    )
    assert.ok(findChild(findChild(features, 'starttls', NS.tls) as Element, 'required'))
  })

  test('is not offered once TLS is there (§5.4.3.3)', async () => {
    const stream = await required.server.connect({ tls: true })
    const features = names(await stream.open())
    assert.deepEqual([features.includes('starttls'), features.includes('mechanisms')], [false, true])
  })

  test('is not offered on a connection that began with TLS (XEP-0368)', async () => {
    const features = names(await (await required.server.connect({ direct: true })).open())
    assert.deepEqual([features.includes('starttls'), features.includes('mechanisms')], [false, true])
  })
})

describe('negotiation', () => {
  test('goes on after <proceed/> with a new stream, on which the client logs in and binds (§5.4.2.3, §5.4.3.3)', async () => {
    const { local } = await required.account()
    const stream = await required.server.connect({ tls: true })
    await stream.open()
    await stream.authenticate('SCRAM-SHA-256', local, local)
    await stream.open()
    assert.equal((await stream.bind('orchard')).toString(), `${local}@test/orchard`)
  })

  test('drops what was sent in the clear behind <starttls/>: it is not taken as said inside TLS (§5.4.3.3)', async () => {
    const { local } = await optional.account()
    const plain = Buffer.from(`\0${local}\0${local}`).toString('base64')
    const stream = await opened()
    stream.write(`${STARTTLS}<auth xmlns="${NS.sasl}" mechanism="PLAIN">${plain}</auth>`)
    await stream.receive('proceed')
    // The bytes that follow are no handshake: TLS fails, and nothing was authenticated.
    await stream.closed
    assert.equal(
      stream.received.some((el) => el.getName() === 'success'),
      false,
    )
  })

  test('that fails ends the connection without a stream error or a closing tag (§5.4.3.2)', async () => {
    const stream = await opened()
    stream.write(STARTTLS)
    await stream.receive('proceed')
    stream.write('this is no client hello, not at all\r\n'.repeat(10))
    assert.deepEqual(await stream.closed, {})
    assert.equal(stream.received.at(-1)?.getName(), 'proceed')
    await (await optional.login({ available: false })).sync()
  })

  test('asked for a second time fails and ends the stream (§5.4.2.2)', async () => {
    const stream = await optional.server.connect({ tls: true })
    await stream.open()
    stream.write(STARTTLS)
    assert.equal((await stream.receive('failure')).getNS(), NS.tls)
    await stream.closed
  })

  test('asked for where TLS is switched off fails and ends the stream (§5.4.2.2)', async () => {
    const disabled = await openStage({ plugins, config: { c2s: { tls: 'disabled' } } })
    const stream = await disabled.server.connect()
    assert.equal(names(await stream.open()).includes('starttls'), false)
    stream.write(STARTTLS)
    assert.equal((await stream.receive('failure')).getNS(), NS.tls)
    await stream.closed
  })

  test('cannot be passed over where it is mandatory: a login fails with encryption-required (§5.3.4, §6.5.4)', async () => {
    const stream = await opened(required)
    stream.write(`<auth xmlns="${NS.sasl}" mechanism="SCRAM-SHA-1">biwsbj1hLHI9Yg==</auth>`)
    assert.ok((await stream.receive('failure')).getChild('encryption-required'))
  })

  test('cannot be passed over where it is mandatory: a stanza ends the stream (§5.3.1)', async () => {
    const stream = await opened(required)
    stream.write('<iq type="get" id="1"><query xmlns="jabber:iq:register"/></iq>')
    assert.equal((await stream.closed).error, 'policy-violation')
  })
})
