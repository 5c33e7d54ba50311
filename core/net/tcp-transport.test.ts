import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Duplex } from 'node:stream'
import test from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { SessionEnded } from '@beaconfire/plugin-sdk'
import { readText, secureContext, startListener, startPair } from './connected-pair.fixture.js'
import { TcpTransport } from './tcp-transport.js'
import { TurnScheduler } from './turn-scheduler.js'

test('what is written in one turn arrives in order and in one piece', async (t) => {
  const { bound, client } = await startPair(t)
  for (const part of ['<a/>', 'ä€🔥', '<b/>']) bound.transport.write(part)
  assert.ok(bound.transport.queuedBytes > 0)
  const [chunk] = (await once(client, 'data')) as [Buffer]
  assert.equal(chunk.toString(), '<a/>ä€🔥<b/>')
  await bound.transport.whenFlushed()
  assert.equal(bound.transport.queuedBytes, 0)
})

test('whenFlushed waits for bytes that the peer does not take, and fails when the connection ends before', async (t) => {
  const { bound, client } = await startPair(t)
  await bound.transport.whenFlushed()
  client.pause()
  bound.transport.write('x'.repeat(20_000_000))
  const flushed = bound.transport.whenFlushed()
  const rejected = assert.rejects(flushed, SessionEnded)
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(bound.transport.queuedBytes > 0)
  client.destroy()
  await rejected
  await bound.closed()
  await assert.rejects(bound.transport.whenFlushed(), SessionEnded)
})

test('whenFlushed resolves for what was written before it, while more is written', async (t) => {
  const { bound, client } = await startPair(t)
  client.resume()
  for (let i = 0; i < 50; i++) {
    bound.transport.write('x'.repeat(10_000))
    await bound.transport.whenFlushed()
  }
  assert.equal(bound.transport.queuedBytes, 0)
})

test('each write counts as taken when the operating system has all of it, and not before', async (t) => {
  const { bound, client } = await startPair(t)
  const { transport } = bound
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  transport.write('taken at once')
  await transport.whenFlushed()
  assert.deepEqual([transport.writes, transport.writesTaken], [1, 1])
  client.pause()
  for (const text of ['x'.repeat(20_000_000), 'waits', 'behind it']) {
    transport.write(text)
    await turn()
    await turn()
  }
  assert.deepEqual([transport.writes, transport.writesTaken], [4, 1])
  client.resume()
  await transport.whenFlushed()
  assert.deepEqual([transport.writesTaken, transport.queuedBytes], [4, 0])
})

test('a write that fails at once is not taken', async () => {
  const broken = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
  const transport = new TcpTransport(broken as Socket, { scheduler: new TurnScheduler() })
  transport.write('never arrives')
  await assert.rejects(transport.whenFlushed(), SessionEnded)
  assert.deepEqual([transport.writes, transport.writesTaken], [1, 0])
})

test('end writes what is gathered, then the connection ends without an error', async (t) => {
  const { bound, client } = await startPair(t)
  bound.transport.write('</stream:stream>')
  bound.transport.end()
  bound.transport.write('lost')
  assert.equal(await readText(client, 16), '</stream:stream>')
  await bound.closed()
  assert.deepEqual(bound.ends, [undefined])
})

test('a peer that does not close in return is cut off after the grace time', async (t) => {
  const { bound, client } = await startPair(t)
  client.allowHalfOpen = true
  client.resume()
  bound.transport.end(20)
  const alive = setInterval(() => {}, 1000) // the timer of the transport keeps no process alive
  await bound.closed()
  clearInterval(alive)
  assert.equal(bound.ends.length, 1)
})

test('a peer that ends its side gets what is still gathered', async (t) => {
  const { bound, client } = await startPair(t)
  client.allowHalfOpen = true
  client.end('last words')
  await bound.until((it) => it.text === 'last words')
  bound.transport.write('answer')
  assert.equal(await readText(client, 6), 'answer')
  await bound.closed()
  assert.deepEqual(bound.ends, [undefined])
})

test('a reset ends in closed with its error, once', async (t) => {
  const { bound, client } = await startPair(t)
  client.resetAndDestroy()
  await bound.closed()
  bound.transport.write('nobody reads this')
  bound.transport.end()
  bound.transport.destroy()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(bound.ends.length, 1)
  assert.equal((bound.ends[0] as NodeJS.ErrnoException).code, 'ECONNRESET')
})

/** Until the other end has read `text`: it is in the kernel when its write is done, and one turn of the loop reads all there is. */
async function arrival(socket: Socket, text: string): Promise<void> {
  await new Promise((resolve) => socket.write(text, resolve))
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('a paused transport reads nothing until it is resumed', async (t) => {
  const { bound, client } = await startPair(t)
  bound.transport.pause()
  await arrival(client, 'hello world')
  assert.equal(bound.text, '')
  bound.transport.resume()
  await bound.until((it) => it.text === 'hello world')
})

async function secureClient(socket: Socket): Promise<TLSSocket> {
  const tls = connectTls({ socket, rejectUnauthorized: false, servername: 'localhost' })
  tls.on('error', () => {})
  await once(tls, 'secureConnect')
  return tls
}

test('STARTTLS: clear text before, encrypted after, both ways', async (t) => {
  const { bound, client } = await startPair(t)
  bound.transport.write('<proceed/>')
  const started = bound.transport.startTls(secureContext)
  assert.equal(await readText(client, 10), '<proceed/>')
  const tls = await secureClient(client)
  await started
  assert.equal(bound.transport.isSecure, true)
  tls.write('secret')
  await bound.until((it) => it.text === 'secret')
  bound.transport.write('answer')
  assert.equal(await readText(tls, 6), 'answer')
  const label = 'EXPORTER-Channel-Binding'
  assert.deepEqual(bound.transport.tlsSocket?.exportKeyingMaterial(32, label, Buffer.alloc(0)), tls.exportKeyingMaterial(32, label, Buffer.alloc(0)))
  bound.transport.end()
  await bound.closed()
  assert.deepEqual(bound.ends, [undefined])
})

test('STARTTLS: a transport that was paused stays paused, and can be resumed', async (t) => {
  const { bound, client } = await startPair(t)
  bound.transport.pause()
  const started = bound.transport.startTls(secureContext)
  const tls = await secureClient(client)
  await started
  tls.write('secret')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(bound.text, '')
  bound.transport.resume()
  await bound.until((it) => it.text === 'secret')
})

test('STARTTLS: clear bytes read but not yet handled are dropped', async (t) => {
  const { bound, client } = await startPair(t)
  client.write('<starttls/>')
  await bound.until((it) => it.text === '<starttls/>')
  bound.transport.pause()
  await arrival(client, '<injected/>')
  bound.transport.write('<proceed/>')
  const started = bound.transport.startTls(secureContext)
  assert.equal(await readText(client, 10), '<proceed/>')
  const tls = await secureClient(client)
  await started
  bound.transport.resume()
  tls.write('secret')
  await bound.until((it) => it.text !== '<starttls/>')
  assert.equal(bound.text, '<starttls/>secret')
})

test('STARTTLS: clear bytes that arrive later fail the handshake and come out nowhere', async (t) => {
  const { bound, client } = await startPair(t)
  client.write('<starttls/>')
  await bound.until((it) => it.text === '<starttls/>')
  const started = assert.rejects(bound.transport.startTls(secureContext))
  client.write('<injected/>')
  connectTls({ socket: client, rejectUnauthorized: false }).on('error', () => {})
  await started
  await bound.closed()
  assert.equal(bound.text, '<starttls/>')
})

test('STARTTLS: garbage instead of TLS ends the connection with an error', async (t) => {
  const { bound, client } = await startPair(t)
  const started = assert.rejects(bound.transport.startTls(secureContext), /SSL|wrong version|TLS/)
  client.write('<iq type="get"/>'.repeat(20))
  await started
  await bound.closed()
  assert.equal(bound.ends.length, 1)
  assert.ok(bound.ends[0] instanceof Error)
  assert.equal(bound.transport.isSecure, false)
})

test('STARTTLS: a peer that leaves in the handshake ends the connection', async (t) => {
  const { bound, client } = await startPair(t)
  const started = assert.rejects(bound.transport.startTls(secureContext))
  client.destroy()
  await started
  await bound.closed()
  assert.equal(bound.ends.length, 1)
})

test('STARTTLS: a peer that says nothing is cut off', async (t) => {
  const { bound } = await startPair(t, { handshakeTimeoutMs: 20 })
  const alive = setInterval(() => {}, 1000)
  await assert.rejects(bound.transport.startTls(secureContext), /too long/)
  clearInterval(alive)
  await bound.closed()
  assert.equal(bound.ends.length, 1)
})

test('STARTTLS: TLS 1.1 is refused', async (t) => {
  const { bound, client } = await startPair(t)
  const started = assert.rejects(bound.transport.startTls(secureContext))
  const tls = connectTls({ socket: client, rejectUnauthorized: false, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
  tls.on('error', () => {})
  await started
  await bound.closed()
})

test('many peers who send at once keep the event loop from turning no longer than a turn may take, and lose nothing', async (t) => {
  const peers = 40
  const listener = await startListener(t)
  const clients = await Promise.all(Array.from({ length: peers }, () => listener.connect()))
  const texts: string[] = []
  const all = Array.from({ length: peers }, async (_, at) => {
    const transport = await listener.accepted()
    texts[at] = ''
    await new Promise<void>((done) => {
      transport.bind({
        data: (chunk) => {
          const until = performance.now() + 5
          while (performance.now() < until); // what a login costs, and more
          texts[at] += Buffer.from(chunk).toString()
          if (texts[at]?.endsWith('c')) done()
        },
        closed: () => {},
      })
    })
  })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  for (const client of clients) client.write('a')
  for (const client of clients) client.write('bc')
  await Promise.all(all)
  delay.disable()
  assert.deepEqual(texts, Array(peers).fill('abc'))
  assert.ok(delay.max / 1e6 < (peers * 5) / 2, `the event loop stood still for ${delay.max / 1e6} ms`)
})
