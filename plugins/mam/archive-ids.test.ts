import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArchiveIds } from './archive-ids.js'

const key = Buffer.alloc(16, 7)

test('an id leads back to its number', () => {
  const ids = new ArchiveIds(key)
  for (const number of [1, 2, 65_536, 2 ** 48 - 1]) assert.equal(ids.number(ids.text(number)), number)
})

test('neighbours have nothing in common, and another key makes other ids', () => {
  const ids = new ArchiveIds(key)
  const texts = Array.from({ length: 1000 }, (_, number) => ids.text(number))
  assert.equal(new Set(texts.map((it) => it.slice(0, 8))).size, 1000)
  const others = new ArchiveIds(Buffer.alloc(16, 8))
  assert.notEqual(others.text(1), ids.text(1))
  assert.equal(others.number(ids.text(1)), undefined)
})

test('an id is the same whether its number comes after another or alone', () => {
  const inOrder = new ArchiveIds(key)
  const texts = Array.from({ length: 600 }, (_, number) => inOrder.text(number))
  for (const number of [0, 255, 256, 257, 599, 3]) {
    assert.equal(new ArchiveIds(key).text(number), texts[number])
    assert.equal(inOrder.text(number), texts[number])
  }
})

test('text that was not given out is no id', () => {
  const ids = new ArchiveIds(key)
  const id = ids.text(5)
  // the last letter stands for two bits alone: others decode to the same bytes
  const twin = id.slice(0, -1) + String.fromCharCode(id.charCodeAt(21) + 1)
  for (const text of ['', '5', 'x'.repeat(22), `${id}=`, `${id} `, id.toLowerCase(), twin, 'ä'.repeat(22)])
    assert.equal(ids.number(text), undefined, text)
})
