import assert from 'node:assert/strict'
import test from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { openingTag } from './stream-header.js'
import { type StreamHeader, StreamParser } from './stream-parser.js'

test('the opening tag reads back as what was put into it, escaped where needed', () => {
  let header: StreamHeader | undefined
  const nothing = () => {}
  const parser = new StreamParser(
    { streamOpen: (it) => (header = it), stanza: nothing, element: nothing, streamClose: nothing },
    { stanzaBytes: 1000, depth: 1, attributes: 10 },
  )
  parser.write(Buffer.from(openingTag({ from: 'localhost', id: '<&>', lang: 'en', to: `o'"x@localhost` })))
  assert.deepEqual(header && { ...header, attributes: { ...header.attributes } }, {
    name: 'stream',
    namespace: NS.streams,
    contentNamespace: NS.client,
    attributes: { from: 'localhost', id: '<&>', to: `o'"x@localhost`, 'xml:lang': 'en', version: '1.0' },
  })
})

test('an unknown peer is not addressed', () => {
  assert.ok(!openingTag({ from: 'localhost', id: '1', lang: 'en' }).includes(' to='))
})
