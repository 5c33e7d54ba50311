import assert from 'node:assert/strict'
import test from 'node:test'
import { NS, type StreamErrorCondition } from '@beaconfire/plugin-sdk'
import { StreamError } from '../stream/stream-error.js'
import { type ParserLimits, StreamParser } from './stream-parser.js'

const LIMITS: ParserLimits = { stanzaBytes: 1000, depth: 4, attributes: 5 }
const OPEN = `<stream:stream xmlns='jabber:client' xmlns:stream='${NS.streams}'>`

function parserWith(limits: ParserLimits): { parser: StreamParser; stanzas: () => number } {
  let count = 0
  const parser = new StreamParser({ streamOpen() {}, stanza: () => count++, element: () => count++, streamClose() {} }, limits)
  return { parser, stanzas: () => count }
}

/** Writes `xml` in pieces. @returns how many stanzas came, and the error if any */
function outcome(xml: string, size: number, limits: ParserLimits = LIMITS): { stanzas: number; condition: StreamErrorCondition | undefined } {
  const { parser, stanzas } = parserWith(limits)
  const bytes = Buffer.from(xml)
  try {
    for (let at = 0; at < bytes.length; at += size) parser.write(bytes.subarray(at, at + size))
  } catch (error) {
    assert.ok(error instanceof StreamError)
    return { stanzas: stanzas(), condition: error.condition }
  }
  return { stanzas: stanzas(), condition: undefined }
}

function messageOf(bytes: number): string {
  return `<message>${'x'.repeat(bytes - '<message></message>'.length)}</message>`
}

test('a stanza of exactly the limit passes, one byte more does not, in chunks of any size', () => {
  for (const size of [1, 7, 999, 1000, 1001, 100_000]) {
    assert.deepEqual(outcome(OPEN + messageOf(1000).repeat(5), size), { stanzas: 5, condition: undefined })
    assert.deepEqual(outcome(`${OPEN}${messageOf(1000)}\n\n${messageOf(1001)}`, size), { stanzas: 1, condition: 'policy-violation' })
  }
})

test('bytes are counted, not characters', () => {
  const body = (count: number) => `<message>${'€'.repeat(count)}</message>`
  for (const size of [1, 500, 100_000]) {
    assert.equal(outcome(OPEN + body(327), size).condition, undefined)
    assert.equal(outcome(`${OPEN}<presence/>${body(328)}`, size).condition, 'policy-violation')
  }
})

const GIANTS: Record<string, string> = {
  'a start tag that never ends': `${OPEN}<${'m'.repeat(5000)}`,
  'an attribute that never ends': `${OPEN}<message to='${'m'.repeat(5000)}`,
  'a stream header that never ends': `<stream:stream to='${'m'.repeat(5000)}`,
  'white space before the header without end': ' '.repeat(5000),
  'a DOCTYPE that never ends': `<!DOCTYPE ${'m'.repeat(5000)}`,
  'a comment that never ends': `${OPEN}<!-- ${'m'.repeat(5000)}`,
  'an entity that never ends': `${OPEN}<message>&${'m'.repeat(5000)}`,
  'an end tag that never ends': `${OPEN}<message></${'m'.repeat(5000)}`,
  'a CDATA section that never ends': `${OPEN}<message><![CDATA[${'m'.repeat(5000)}`,
  'empty elements without end': `${OPEN}<message>${'<a/>'.repeat(1000)}`,
  'elements too deep': `${OPEN}<message>${'<a>'.repeat(4)}`,
  'too many attributes': `${OPEN}<message a='' b='' c='' d='' e='' f=''/>`,
  'too many namespace declarations': `${OPEN}<message xmlns:a='a' xmlns:b='a' xmlns:c='a' xmlns:d='a' xmlns:e='a' xmlns:f='a'/>`,
  'a header with too many attributes': OPEN.replace('>', ` a='' b='' c='' d='' e='' f=''>`),
}

for (const [what, xml] of Object.entries(GIANTS)) {
  test(`${what} end${what.includes('element') || what.startsWith('too') ? '' : 's'} in policy-violation`, () => {
    for (const size of [1, 64, 100_000]) assert.deepEqual(outcome(xml, size), { stanzas: 0, condition: 'policy-violation' })
  })
}

test('depth and attributes up to the limit pass', () => {
  assert.equal(outcome(`${OPEN}<message a='' b='' c='' d='' e=''><a><a><a/></a></a></message>`, 50).stanzas, 1)
})

test('white space that keeps a connection alive never adds up to the limit', () => {
  const { parser, stanzas } = parserWith(LIMITS)
  parser.write(Buffer.from(`${OPEN}\r\n`))
  for (let i = 0; i < 5000; i++) parser.write(Buffer.from(i % 2 ? ' ' : '\n'))
  parser.write(Buffer.from(messageOf(1000)))
  assert.equal(stanzas(), 1)
})

test('four megabytes in small chunks take time in proportion, and none beyond the limit', () => {
  const chunk = Buffer.from('x'.repeat(1448))
  const run = (limits: ParserLimits) => {
    const { parser, stanzas } = parserWith(limits)
    parser.write(Buffer.from(`${OPEN}<message>`))
    const start = process.cpuUsage()
    let refused = 0
    for (let i = 0; i < 2900; i++) {
      try {
        parser.write(chunk)
      } catch (error) {
        assert.ok(error instanceof StreamError && error.condition === 'policy-violation')
        refused++
      }
    }
    const { user, system } = process.cpuUsage(start)
    if (refused === 0) parser.write(Buffer.from('</message>'))
    return { refused, stanzas: stanzas(), ms: (user + system) / 1000 }
  }
  const read = run({ ...LIMITS, stanzaBytes: 5_000_000 })
  assert.deepEqual([read.refused, read.stanzas], [0, 1])
  assert.ok(read.ms < 1000, `${read.ms} ms`)
  assert.equal(run({ ...LIMITS, stanzaBytes: 262_144 }).refused, 2900 - 181)
})
