/** Streams that no honest client sends, for tests that the server survives them: malformed, forbidden, oversized, out of order. */
import { NS } from '@beaconfire/plugin-sdk'
import fc from 'fast-check'

export interface HostileStream {
  /** What is wrong with it, for messages of failed tests. */
  readonly kind: string
  /** To be sent in this order, each in a write of its own. */
  readonly chunks: readonly Uint8Array[]
}

export interface HostileStreamSettings {
  /** In `to` of openings that are right otherwise. */
  readonly domain?: string
  /** Bytes that some of the oversized ones have, at most twice as many; 70,000 unless given. */
  readonly giantBytes?: number
}

interface Case {
  readonly kind: string
  readonly bytes: Uint8Array
}

type Text = fc.Arbitrary<string>

/** Each of the kinds about as often as the others, cut at up to eight places. */
export function hostileStream({ domain = 'localhost', giantBytes = 70_000 }: HostileStreamSettings = {}): fc.Arbitrary<HostileStream> {
  const opening = `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}' to='${domain}' version='1.0'>`
  const cases = fc.oneof(
    ...Object.entries(hostileOpenings(opening, giantBytes)).map(([kind, text]) => named(`opening: ${kind}`, text.map(encode))),
    ...Object.entries(hostileStanzas(domain, giantBytes)).map(([kind, text]) =>
      named(
        `stanza: ${kind}`,
        text.map((it) => encode(opening + it)),
      ),
    ),
    named('bytes: of no meaning', fc.uint8Array({ minLength: 1, maxLength: 300 })),
    named('bytes: no UTF-8', brokenUtf8(opening)),
    named('bytes: good stream with some changed', damaged(opening)),
    named('bytes: pieces of markup in any order', markup(opening)),
  )
  return fc.tuple(cases, fc.array(fc.nat(), { maxLength: 8 })).map(([{ kind, bytes }, cuts]) => ({ kind, chunks: cutAt(bytes, cuts) }))
}

function named(kind: string, bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Case> {
  return bytes.map((it) => ({ kind, bytes: it }))
}

function hostileOpenings(opening: string, giantBytes: number): Record<string, Text> {
  const giant = fc.integer({ min: giantBytes >> 1, max: giantBytes * 2 })
  return {
    'another protocol': fc.constantFrom(
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00',
      'EHLO x\r\n',
      '{"jsonrpc":"2.0"}',
      '\0\0\0\0',
    ),
    'a DTD': fc.constantFrom(
      `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>${opening}<message>&lol2;</message>`,
      `<!DOCTYPE a SYSTEM "file:///etc/passwd">${opening}`,
      `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY % b SYSTEM "http://localhost/">%b;]>`,
      '<!DOCTYPE a [',
    ),
    'a comment or processing instruction': fc.constantFrom(
      `<!-- x -->${opening}`,
      `<?php echo 1 ?>${opening}`,
      `${opening}<!-- `,
      `${opening}<?xml version='1.0'?>`,
    ),
    'a wrong XML declaration': fc
      .constantFrom(
        `<?xml version='1.1'?>`,
        `<?xml version='1.0' encoding='UTF-16'?>`,
        `<?xml?>`,
        ` <?xml version='1.0'?>`,
        `\uFEFF`,
        `<?xml version='1.0' standalone='maybe'?>`,
      )
      .map((declaration) => opening.replace(/^<\?xml.*?\?>/, declaration)),
    'a wrong root': fc.constantFrom(
      `<stream:stream>`,
      `<stream xmlns='${NS.client}'>`,
      `<stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}' to='localhost' version='1.0'>`,
      `<stream:stream xmlns='${NS.client}' xmlns:stream='urn:x' version='1.0'>`,
      `<stream:streem xmlns='${NS.client}' xmlns:stream='${NS.streams}' version='1.0'>`,
      `<html><body/></html>`,
    ),
    'a wrong attribute': fc
      .constantFrom(`version='0.9'`, `version='99999999999.0'`, `version='-1'`, '', `to='nowhere.invalid' version='1.0'`, `to='@/' version='1.0'`)
      .map((attributes) => `<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}' ${attributes}>`),
    'one that ends at once': fc.constantFrom(
      '</stream:stream>',
      opening.replace(/>$/, '/>'),
      `${opening}</stream:stream>`,
      `${opening}</stream:stream><presence/>`,
    ),
    'one after the other': fc.integer({ min: 2, max: 5 }).map((count) => opening.repeat(count)),
    'a giant': giant.map((bytes) => opening.replace(/>$/, ` giant='${'g'.repeat(bytes)}`)),
    'one cut off': fc.integer({ min: 1, max: opening.length - 1 }).map((end) => opening.slice(0, end)),
    'white space without end': giant.map((bytes) => ' \n\t\r'.repeat(bytes >> 2)),
  }
}

function hostileStanzas(domain: string, giantBytes: number): Record<string, Text> {
  const giant = fc.integer({ min: giantBytes >> 1, max: giantBytes * 2 })
  const name = fc.constantFrom('message', 'presence', 'iq', 'x', 'auth', 'stream:features')
  return {
    'before authentication': fc.constantFrom(
      `<message to='admin@${domain}'><body>hi</body></message>`,
      '<presence/>',
      `<iq type='get' id='1'><query xmlns='${NS.roster}'/></iq>`,
      `<iq type='set' id='1'><bind xmlns='${NS.bind}'/></iq>`,
      `<iq type='result' id='1'/><iq type='error' id='2'/><iq type='nonsense' id='3'/><iq/>`,
    ),
    'a forged or impossible address': fc
      .tuple(
        name,
        fc.constantFrom('@', '/', `@${domain}`, `a@b@c`, `${domain}/`, '\u00ad@x', `${'x'.repeat(2000)}@${domain}`, `admin@${domain}/a`, '🔥@🔥/🔥'),
      )
      .map(([element, jid]) => `<${element} from='${jid}' to='${jid}' id='1' type='get'><query xmlns='${NS.register}'/></${element}>`),
    'not well-formed': fc.constantFrom(
      '<message><body></message>',
      '</message>',
      '<message',
      '<message to=a/>',
      `<message to='a' to='b'/>`,
      `<message to='<'/>`,
      '<message>&</message>',
      '<message>]]></message>',
      '<1/>',
      '< message/>',
      '<message>\u0001</message>',
      '<message>&#0;&#xD800;</message>',
      '<message>\uFFFE</message>',
      '<>',
      '<![CDATA[x]]>',
      'text between',
    ),
    'namespaces misused': fc.constantFrom(
      '<x:message/>',
      `<message x:y='z'/>`,
      `<message xmlns='${NS.server}'/>`,
      `<message xmlns=''/>`,
      `<message xmlns:xml='urn:x'/>`,
      `<message xmlns:xmlns='urn:x'/>`,
      `<x:y:z xmlns:x='urn:x'/>`,
      `<constructor:x/>`,
      `<stream:error xmlns:stream='urn:x'/>`,
      `<stream:stream/>`,
    ),
    'an entity': fc
      .constantFrom('&lol;', '&#xFFFFFFFFFF;', '&constructor;', '&;', '&__proto__;', `&${'e'.repeat(3000)};`)
      .map((it) => `<message><body>${it}</body></message>`),
    'names of object properties': fc
      .constantFrom('__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf')
      .map((it) => `<iq ${it}='1' type='get' id='${it}'><${it} xmlns='${it}' ${it}='2'/></iq>`),
    'too deep': fc.tuple(name, fc.integer({ min: 50, max: 5000 })).map(([element, depth]) => `<${element}>`.repeat(depth)),
    'too many attributes': fc
      .integer({ min: 50, max: 3000 })
      .map((count) => `<iq ${Array.from({ length: count }, (_, i) => `a${i}=''`).join(' ')}/>`),
    'too many prefixes': fc
      .integer({ min: 50, max: 2000 })
      .map((count) => `<iq ${Array.from({ length: count }, (_, i) => `xmlns:n${i}='urn:${i}'`).join(' ')}/>`),
    'a giant': fc
      .tuple(
        giant,
        fc.constantFrom(
          ['<message><body>', 'x'],
          ['<message>', '<a/>'],
          ['<', 'n'],
          [`<message to='`, 'j'],
          ['<message><![CDATA[', ']'],
          ['<!--', '-'],
          ['<message>&', 'a'],
        ),
      )
      .map(([bytes, [start, filling]]) => (start as string) + (filling as string).repeat(Math.ceil(bytes / (filling as string).length))),
    'STARTTLS with company': fc
      .constantFrom(
        '',
        `<iq type='get' id='injected'><query xmlns='${NS.register}'/></iq>`,
        '<starttls/>',
        '\x16\x03\x01\x00\x05hello',
        'no TLS at all',
      )
      .map((it) => `<starttls xmlns='${NS.tls}'/>${it}`),
    'SASL misused': fc
      .tuple(
        fc.constantFrom('PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'EXTERNAL', 'DIGEST-MD5', '', 'x'.repeat(500)),
        fc.constantFrom('', '=', '====', 'AGEAYg==', 'biwsbj1hLHI9Yg==', '\u00e4', '!', 'A'.repeat(9000)),
      )
      .map(([mechanism, data]) => `<auth xmlns='${NS.sasl}' mechanism='${mechanism}'>${data}</auth>`.repeat(7)),
    'SASL out of order': fc
      .constantFrom('response', 'abort', 'success', 'challenge', 'failure', 'constructor')
      .map((it) => `<${it} xmlns='${NS.sasl}'>AAAA</${it}>`),
    'elements of nobody': fc.constantFrom(
      `<x xmlns='urn:x'/>`,
      '<stream:features/>',
      '<stream:error/>',
      `<a xmlns='urn:xmpp:sm:3' h='-1'/>`,
      `<resume xmlns='urn:xmpp:sm:3' h='x'/>`,
    ),
  }
}

function brokenUtf8(opening: string): fc.Arbitrary<Uint8Array> {
  const wrong = fc.constantFrom(
    [0xff],
    [0xc0, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0x80],
    [0xe2, 0x82, 0x20],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
  )
  return fc
    .tuple(fc.constantFrom('', opening, `${opening}<message><body>`, `${opening}<message to='`), wrong)
    .map(([before, bytes]) => Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from('</body></message>')]))
}

function damaged(opening: string): fc.Arbitrary<Uint8Array> {
  const good = Buffer.from(
    `${opening}<iq type='get' id='1'><query xmlns='${NS.register}'/></iq><auth xmlns='${NS.sasl}' mechanism='PLAIN'>AGEAYg==</auth>` +
      `<message to='a@b' type='chat'><body>ä🔥 &amp; <![CDATA[x]]></body></message></stream:stream>`,
  )
  const change = fc.record({ at: fc.nat(good.length - 1), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) })
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let bytes: Uint8Array = good
    for (const { at, remove, insert } of changes) bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
    return bytes
  })
}

function markup(opening: string): fc.Arbitrary<Uint8Array> {
  const piece = fc.constantFrom(
    ...[
      '<',
      '>',
      '/>',
      '</',
      '&',
      ';',
      '&amp;',
      '"',
      "'",
      '=',
      ' ',
      ':',
      'xmlns',
      'xml',
      '?',
      '!',
      '--',
      '[',
      ']]>',
      '<![CDATA[',
      '<!--',
      '-->',
      '<?',
      '?>',
    ],
    ...[
      'message',
      'iq',
      'presence',
      'stream:stream',
      `xmlns='${NS.client}'`,
      `type='set'`,
      `id='1'`,
      '<body>',
      '</body>',
      '</message>',
      '\0',
      '\r\n',
      'ä',
      '🔥',
    ],
  )
  return fc
    .tuple(fc.constantFrom('', opening), fc.array(piece, { minLength: 1, maxLength: 30 }))
    .map(([before, pieces]) => encode(before + pieces.join('')))
}

function encode(text: string): Uint8Array {
  return Buffer.from(text)
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set([...cuts.map((it) => 1 + (it % bytes.length)), bytes.length])].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}
