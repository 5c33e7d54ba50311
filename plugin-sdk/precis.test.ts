import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { assertIdentifier, opaqueString, PreparationError, usernameCaseMapped } from './precis.js'

function refuses(prepare: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) assert.throws(() => prepare(text), PreparationError, JSON.stringify(text))
}

function keeps(prepare: (text: string) => string, texts: readonly string[]): void {
  for (const text of texts) assert.equal(prepare(text), text)
}

test('a user name is narrowed, lower-cased and composed', () => {
  assert.equal(usernameCaseMapped('ＪＵＬＩＥＴ'), 'juliet')
  assert.equal(usernameCaseMapped('ｶﾞ'), 'ガ')
  assert.equal(usernameCaseMapped('E\u0301lan'), 'élan')
  assert.equal(usernameCaseMapped('İ'), 'i\u0307')
})

test('sharp s and final sigma stay, and a capital sigma never becomes a final one', () => {
  keeps(usernameCaseMapped, ['fußball', 'ς', 'οδος'])
  assert.equal(usernameCaseMapped('ẞ'), 'ß')
  assert.equal(usernameCaseMapped('ΟΔΟΣ'), 'οδοσ')
})

test('a user name refuses spaces, symbols, compatibility forms and the excluded ASCII', () => {
  refuses(usernameCaseMapped, ['', 'a b', 'a\u3000b', 'a\u00A0b', '♚', '😀', 'henryⅣ', 'ﬁ', '\u212B', 'Ⓐ', '½'])
  refuses(usernameCaseMapped, Array.from(`"&'/:<>@`))
  refuses(usernameCaseMapped, ['＠', '＆', '：'])
  keeps(usernameCaseMapped, ['!#$%()*+,-.;=?[\\]^_`{|}~', 'foo\\20bar'])
})

test('control, unassigned, private, ignorable and surrogate code points are refused everywhere', () => {
  const bad = ['\0', '\n', '\t', '\x7F', '\u0085', '\u0378', '\uE000', '\uFFFF', '\u00AD', '\u200B', '\u2060', '\uFEFF']
  const text = [...bad, '\uFE0F', '\u2028', '\u{E0001}', '\uD800', '\uDC00', '\uDC00\uD800', '\u0640', '\u3031', '\u1100']
  refuses(
    usernameCaseMapped,
    text.map((character) => `a${character}b`),
  )
  refuses(
    opaqueString,
    text.map((character) => `a${character}b`),
  )
})

test('a user name follows the bidi rule', () => {
  keeps(usernameCaseMapped, ['אבג', 'אבג1', 'אב.ג', 'عربي', 'ا١'])
  refuses(usernameCaseMapped, ['אa', 'aא', '1א', 'א-', 'א1١', 'xn--א'])
})

test('contextual code points are allowed by their surroundings only (RFC 5892 appendix A)', () => {
  for (const prepare of [usernameCaseMapped, opaqueString]) {
    keeps(prepare, ['col·lectiu', '͵α', 'א׳ב', 'א״ב', 'ア・イ', '漢・', 'ا١٢', 'ا۱۲'])
    refuses(prepare, ['·', 'l·', 'a·l', '͵a', '͵', '׳א', 'a״', '・', 'a・b', '١۱', 'ا١۱'])
  }
})

test('a joiner needs a virama before it, or letters that join on both sides', () => {
  for (const prepare of [usernameCaseMapped, opaqueString]) {
    keeps(prepare, ['क्\u200Dष', 'क्\u200Cष', 'می\u200Cخواهم', 'بّ\u200Cب', 'می\u200Cخواهم\u200Cمی', 'क्\u200D'])
    refuses(prepare, ['\u200D', '\u200C', 'a\u200Cb', 'a\u200Db', 'ب\u200Dب', 'ا\u200Cب', 'ب\u200C', 'क्\u200D\u200C', '👩\u200D💻'])
  }
  refuses(usernameCaseMapped, ['\u0DD9\u0DCA\u200D']) // composes, and the virama is gone
})

test('an opaque string keeps case, width and compatibility forms, and makes every space an ASCII one', () => {
  keeps(opaqueString, ['Correct Horse', ' ', 'ＡＢｶ', 'Ⅳ ﬁ ½', '♚😀', 'πß', '\u1E9E'])
  assert.equal(opaqueString('a\u00A0b\u1680c\u3000d\u2003e'), 'a b c d e')
  assert.equal(opaqueString('e\u0301'), 'é')
  assert.equal(opaqueString('\u1112\u1161\u11AB'), '한')
  refuses(opaqueString, [''])
})

test('an identifier is judged as it stands', () => {
  assertIdentifier('Straße')
  refuses(assertIdentifier, ['', '☃', 'ａ', 'a b', 'l·'])
})

test('the message names the code point, not the text', () => {
  assert.throws(() => usernameCaseMapped('secret♚'), { message: 'U+265A is not allowed', code: 'text-refused' })
})

test('every single code point is either refused or prepared for good', () => {
  for (let point = 0; point <= 0x10ffff; point++) {
    const character = String.fromCodePoint(point)
    if (/[\p{Cn}\p{Co}\p{Cs}]/u.test(character)) continue // refused above, and most of the million
    assertSettled(usernameCaseMapped, character)
    assertSettled(opaqueString, character)
  }
})

test('preparing twice changes nothing', () => {
  const alphabet = [
    ...Array.from('aAzéÉßςΣİשאب١۱・アlL·ｶﾞ１.-한'),
    '\u0301',
    '\u0345',
    '\u094D',
    '\u0DD9',
    '\u0DCA',
    '\u200C',
    '\u200D',
    '\u1112',
    '\u1161',
  ]
  const tricky = fc.array(fc.constantFrom(...alphabet), { maxLength: 8 }).map((letters) => letters.join(''))
  const any = fc.oneof(tricky, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  for (const prepare of [usernameCaseMapped, opaqueString]) {
    fc.assert(
      fc.property(any, (text) => assertSettled(prepare, text)),
      { numRuns: 3000 },
    )
  }
})

function assertSettled(prepare: (text: string) => string, text: string): void {
  let prepared: string
  try {
    prepared = prepare(text)
  } catch (error) {
    if (error instanceof PreparationError) return
    throw error
  }
  if (prepare(prepared) !== prepared) assert.fail(JSON.stringify(text))
}
