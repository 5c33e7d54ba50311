/** RFC 6120 §11: what XML may be used on a stream, and what ends it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import ping from '../../../plugins/ping/index.js'
import { openStage } from '../support/stage.js'

const stage = await openStage({ plugins: [ping] })
const quiet = () => stage.login({ available: false })
const HEADER = `<stream:stream xmlns='jabber:client' xmlns:stream='${NS.streams}' to='test' version='1.0'>`
const bytes = (before: string, wrong: readonly number[], after: string) =>
  Buffer.concat([Buffer.from(before), Buffer.from(wrong), Buffer.from(after)])

describe('on a stream', () => {
  const faults: [string, string | Uint8Array, readonly string[]][] = [
    ['a comment (§11.1)', '<!-- c -->', ['restricted-xml']],
    ['a comment inside a stanza (§11.1)', '<message><!-- c --></message>', ['restricted-xml']],
    ['a processing instruction (§11.1)', '<?php x?>', ['restricted-xml']],
    ['a document type (§11.1)', '<!DOCTYPE x>', ['restricted-xml', 'not-well-formed']],
    ['an entity that is none of the five (§11.1)', '<message><body>&nbsp;</body></message>', ['restricted-xml', 'not-well-formed']],
    ['tags that do not match (§11.3)', '<message><body></message>', ['not-well-formed']],
    ['an attribute without quotes (§11.3)', '<message to=a></message>', ['not-well-formed']],
    ['the same attribute twice (§11.3)', '<message to="a" to="b"/>', ['not-well-formed']],
    ['an ampersand that begins no entity (§11.3)', '<message><body>a & b</body></message>', ['not-well-formed']],
    ['"<" in an attribute (§11.3)', '<message to="<"/>', ['not-well-formed']],
    ['a control character (§11.3)', '<message><body>\u0001</body></message>', ['not-well-formed']],
    ['a reference to a control character (§11.3)', '<message><body>&#1;</body></message>', ['not-well-formed']],
    ['a reference to a character that is none (§11.3)', '<message><body>&#xD800;</body></message>', ['not-well-formed']],
    ['a prefix that is bound to nothing (§11.3)', '<message><x:y/></message>', ['not-well-formed', 'bad-namespace-prefix']],
    ['an attribute with a prefix that is bound to nothing (§11.3)', '<message><y x:a="1"/></message>', ['not-well-formed', 'bad-namespace-prefix']],
    [
      'the same attribute twice by two prefixes (§11.3)',
      '<message><y xmlns:a="urn:x" xmlns:b="urn:x" a:z="1" b:z="2"/></message>',
      ['not-well-formed'],
    ],
    [
      'bytes that are no UTF-8 (§11.6)',
      bytes('<message><body>', [0xc3, 0x28], '</body></message>'),
      ['bad-format', 'not-well-formed', 'unsupported-encoding'],
    ],
    [
      'overlong UTF-8 (§11.6)',
      bytes('<message><body>', [0xc0, 0xaf], '</body></message>'),
      ['bad-format', 'not-well-formed', 'unsupported-encoding'],
    ],
  ]
  for (const [what, data, conditions] of faults) {
    test(`${what} ends it with ${conditions[0]}`, async () => {
      const [healthy, hostile] = [await quiet(), await quiet()]
      hostile.stream.write(data)
      const { error } = await hostile.closed
      assert.ok(conditions.includes(error ?? ''), `was ${error}`)
      await healthy.sync()
    })
  }

  const fine: [string, string, string][] = [
    ['the five entities and references to characters (§11.1)', '&lt;&gt;&amp;&apos;&quot;&#x263A;&#228;', '<>&\'"☺ä'],
    ['CDATA (§11.3)', '<![CDATA[<b> & ]]>c', '<b> & c'],
    ['characters of every plane (§11.6)', 'a\u00e4\u4e2d\u{1F600}', 'a\u00e4\u4e2d\u{1F600}'],
    ['U+FEFF, which is a space without width there (§11.6)', 'a\uFEFFb', 'a\uFEFFb'],
  ]
  for (const [what, xml, text] of fine) {
    test(`${what} may stand in a text`, async () => {
      const [sender, target] = [await quiet(), await quiet()]
      sender.stream.write(`<message to="${target.jid}"><body>${xml}</body></message>`)
      assert.equal((await target.receive('message')).getChildText('body'), text)
    })
  }

  test('elements may be cut anywhere between packets (§11.3)', async () => {
    const [sender, target] = [await quiet(), await quiet()]
    for (const byte of Buffer.from(`<message to='${target.jid}'><body>ä &amp; 💘</body></message>`)) sender.stream.write(Uint8Array.of(byte))
    assert.equal((await target.receive('message')).getChildText('body'), 'ä & 💘')
  })

  test('a namespace may be declared anew in every stanza (§4.8.5)', async () => {
    const [sender, target] = [await quiet(), await quiet()]
    sender.stream.write(`<message xmlns="jabber:client" to="${target.jid}"><body xmlns="jabber:client">1</body></message>`)
    const message = await target.receive('message')
    assert.equal(message.getChildText('body'), '1')
  })
})

describe('at the beginning', () => {
  const faults: [string, string | Uint8Array, readonly string[]][] = [
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n', ['not-well-formed', 'bad-format']],
    ['a document type with entities (§11.1)', `<!DOCTYPE x [<!ENTITY a "b">]>${HEADER}`, ['restricted-xml', 'not-well-formed']],
    ['a declaration of another encoding (§11.6)', `<?xml version='1.0' encoding='ISO-8859-1'?>${HEADER}`, ['unsupported-encoding']],
    ['a byte order mark (§11.6)', `\uFEFF${HEADER}`, ['not-well-formed', 'bad-format', 'invalid-xml']],
    ['UTF-16 (§11.6)', Buffer.from(`\uFEFF${HEADER}`, 'utf16le'), ['unsupported-encoding', 'not-well-formed', 'bad-format']],
    ['another root (§4.8.1)', '<html xmlns="http://www.w3.org/1999/xhtml">', ['invalid-namespace', 'bad-format']],
  ]
  for (const [what, data, conditions] of faults) {
    test(`${what} is answered with ${conditions[0]}`, async () => {
      const stream = await stage.server.connect()
      stream.write(data)
      const { error } = await stream.closed
      assert.ok(conditions.includes(error ?? ''), `was ${error}`)
    })
  }

  for (const declaration of [
    "<?xml version='1.0'?>",
    '<?xml version="1.0" encoding="utf-8"?>',
    "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>",
    '',
  ]) {
    test(`${declaration || 'no declaration'} is taken (§11.5)`, async () => {
      const stream = await stage.server.connect()
      stream.write(declaration + HEADER)
      await stream.receive('features')
    })
  }
})
