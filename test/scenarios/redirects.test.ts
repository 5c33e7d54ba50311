/** Streams that are sent elsewhere, and streams that were meant for elsewhere. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestConfig, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

const start = (t: TestScope, config: TestConfig = {}) => startTestServer(t, { plugins: [], config })

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
