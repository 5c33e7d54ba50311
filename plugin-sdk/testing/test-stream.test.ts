import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { errorCondition, TestStream } from './test-stream.js'

const HEADER = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='s1' version='1.0'>`

/** A peer whose every word the test says. */
async function peer(t: TestContext): Promise<{ stream: TestStream; server: Socket }> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve))
  const stream = await TestStream.connect({ port: (listener.address() as { port: number }).port, domain: 'test' })
  const server = await accepted
  t.after(() => {
    stream.drop()
    server.destroy()
    listener.close()
  })
  return { stream, server }
}

test('elements are queued in order, and one that is not asked for stays', async (t) => {
  const { stream, server } = await peer(t)
  stream.writeHeader()
  server.write(`${HEADER}<message id='1'/><presence/><message id='2'><body>é &amp; 😀</body></message>`)
  assert.equal((await stream.receive('presence')).getName(), 'presence')
  assert.equal((await stream.receive('message')).attrs.id, '1')
  assert.equal((await stream.receive('message')).getChildText('body'), 'é & 😀')
  assert.equal(stream.header.id, 's1')
  assert.equal(stream.queued().length, 0)
  assert.equal(stream.received.length, 3)
})

test('a character cut in two by the network arrives whole', async (t) => {
  const { stream, server } = await peer(t)
  stream.writeHeader()
  const bytes = Buffer.from(`${HEADER}<message><body>é</body></message>`)
  server.setNoDelay(true)
  for (const byte of bytes) server.write(Buffer.of(byte))
  assert.equal((await stream.receive('message')).getChildText('body'), 'é')
})

test('what waits when the stream ends is told the stream error and what is queued', async (t) => {
  const { stream, server } = await peer(t)
  stream.label = 'romeo'
  stream.writeHeader()
  const waiting = stream.receive('message')
  server.end(
    `${HEADER}<iq type='result' id='x'/><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
  )
  await assert.rejects(waiting, /romeo: .*host-unknown.*queued: <iq type="result" id="x"/s)
  assert.deepEqual(await stream.closed, { error: 'host-unknown' })
  await assert.rejects(stream.receive('message'), /the stream ended/)
})

test('a request is answered by the iq of the same id only', async (t) => {
  const { stream, server } = await peer(t)
  stream.writeHeader()
  const { Element } = await import('../index.js')
  const answer = stream.request(new Element('iq', { type: 'get', id: 'q' }))
  server.write(`${HEADER}<iq type='get' id='q'/><iq type='result' id='p'/>`)
  server.write(`<iq type='error' id='q'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`)
  assert.equal(errorCondition(await answer), 'item-not-found')
  assert.equal(stream.queued('iq').length, 2)
})
