/** What no client sends: 20,000 malformed or hostile openings and stanzas, cut at random bytes. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { type HostileStream, hostileStream } from '../support/hostile-streams.js'
import { startServerProcess } from '../support/server-process.js'

const BATCHES = 20
const BATCH = 1000
const AT_ONCE = 40
/**
 * The heap the server gets, in MiB: enough to serve, and not to keep 5 KiB of each of these streams. How much it uses at a moment
 * tells nothing, since it collects when it has to.
 */
const HEAP_MIB = 160

test('the server refuses each of them, answers a healthy client after each batch, and keeps nothing of them', { timeout: 240_000 }, async (t) => {
  const server = await startServerProcess(t, {
    env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
    config: {
      c2s: { host: '127.0.0.1', port: 0, directTlsPort: -1, tls: 'optional', plainWithoutTls: true },
      limits: { enabled: false },
      log: { level: 'error' },
    },
  })
  await server.createUsers('healthy')
  const healthy = await server.login('healthy')
  for (let batch = 0; batch < BATCHES; batch++) {
    const streams = fc.sample(hostileStream({ domain: 'localhost' }), { numRuns: BATCH, seed: batch })
    await assault(server.ports.c2s, streams)
    healthy.send(`<iq type="get" id="alive-${batch}"><ping xmlns="urn:xmpp:ping"/></iq>`)
    const answer = await healthy.receive('iq')
    assert.deepEqual([answer.attrs.id, answer.attrs.type], [`alive-${batch}`, 'result'])
  }
  assert.doesNotMatch(server.log, /"level":"error"/)
})

/** Throws all of them at the port, some at a time; each connection ends when the server ends it, or is cut once all is sent. */
async function assault(port: number, streams: readonly HostileStream[]): Promise<void> {
  const waiting = [...streams]
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) await send(port, next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function send(port: number, { chunks }: HostileStream): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => {}) // the server may have ended it while there was more to send
    socket.on('close', () => resolve())
    socket.resume()
    for (const chunk of chunks) socket.write(chunk)
    socket.end()
  })
}
