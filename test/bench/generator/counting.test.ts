import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MarkedBodies } from './marked-bodies.js'
import { StanzaFramer } from './stanza-framer.js'

function framed(chunks: readonly string[]): string[] {
  const seen: string[] = []
  const framer = new StanzaFramer({ stanza: (text) => void seen.push(text), streamEnd: () => void seen.push('end') })
  const buffer = Buffer.alloc(4096) // one for all reads, as sockets have it
  for (const chunk of chunks) framer.write(buffer, buffer.write(chunk, 'latin1'))
  return seen
}

const STREAM =
  `<?xml version='1.0'?><stream:stream id="1>2" xmlns='jabber:client'>` +
  `<iq id='a' note="</iq>"/> <message><body>one</body><x a='>'/></message><presence/></stream:stream>`
const STANZAS = [`<iq id='a' note="</iq>"/>`, `<message><body>one</body><x a='>'/></message>`, '<presence/>', 'end']

test('stanzas are framed alike wherever reads cut them', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) assert.deepEqual(framed([STREAM.slice(0, cut), STREAM.slice(cut)]), STANZAS, `cut at ${cut}`)
  assert.deepEqual(framed(STREAM.split('')), STANZAS)
})

test('a new stream is framed after a reset', () => {
  const seen: string[] = []
  const framer = new StanzaFramer({ stanza: (text) => void seen.push(text), streamEnd: () => {} })
  const write = (text: string) => framer.write(Buffer.from(text), text.length)
  write('<stream:stream><success/>')
  framer.reset()
  write('<stream:stream><iq/>')
  assert.deepEqual(seen, ['<success/>', '<iq/>'])
})

test('what was lost, doubled and overtaken is told apart', () => {
  const bodies = new MarkedBodies()
  const check = bodies.sequence()
  const accepted = [0, 1, 1, 4, 2, 5].map((it) => check.accept(it))
  check.finish(8)
  assert.deepEqual(accepted, [true, true, false, true, true, true])
  assert.deepEqual(bodies.faults, { lost: 3, duplicated: 1, outOfOrder: 1, errors: 0 })
})

test('a mark is read back, and one of another run is not', () => {
  const bodies = new MarkedBodies()
  const message = `<message from='a'><body>${bodies.text(3, 17, 100)}</body></message>`
  assert.deepEqual(bodies.read(message), { sender: 3, sequence: 17 })
  assert.equal(new MarkedBodies().read(message), undefined)
  assert.equal(bodies.text(3, 17, 100).length, 100)
})

test('a message that comes back as an error is no delivery', () => {
  const bodies = new MarkedBodies()
  assert.equal(bodies.read(`<message type="error"><body>${bodies.text(0, 0)}</body></message>`), undefined)
  assert.equal(bodies.faults.errors, 1)
})
