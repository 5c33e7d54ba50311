import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from './element.js'
import { placeOfPage, readPageRequest, resultSet } from './result-set.js'
import { StanzaError } from './stanza-error.js'

const ids = ['a', 'b', 'c', 'd', 'e']
const request = (content: string) => parseElement(`<query xmlns="urn:x"><set xmlns="http://jabber.org/protocol/rsm">${content}</set></query>`)
const page = (content: string, most = 10) => {
  const { start, end } = placeOfPage(ids, readPageRequest(request(content)), most)
  return ids.slice(start, end).join('')
}
const refusal = (content: string) => {
  try {
    return page(content)
  } catch (error) {
    return error instanceof StanzaError ? error.condition : String(error)
  }
}

test('pages are walked forwards, backwards, and by index (XEP-0059 §2.2 to §2.6)', () => {
  assert.equal(page(''), 'abcde')
  assert.equal(page('', 3), 'abc')
  assert.equal(page('<max>2</max>'), 'ab')
  assert.equal(page('<max>20</max>', 4), 'abcd')
  assert.equal(page('<max>2</max><after>b</after>'), 'cd')
  assert.equal(page('<max>2</max><after>e</after>'), '')
  assert.equal(page('<max>2</max><before/>'), 'de')
  assert.equal(page('<max>2</max><before>d</before>'), 'bc')
  assert.equal(page('<max>2</max><before>a</before>'), '')
  assert.equal(page('<max>2</max><index>3</index>'), 'de')
  assert.equal(page('<index>9</index>'), '')
  assert.equal(page('<max>0</max>'), '')
  assert.equal(readPageRequest(parseElement('<query xmlns="urn:x"><set/></query>')), undefined)
})

test('the answer says where the page is, or only how many there are (§2.7)', () => {
  assert.equal(
    resultSet(ids, { start: 1, end: 3 }).toString(),
    '<set xmlns="http://jabber.org/protocol/rsm"><first index="1">b</first><last>c</last><count>5</count></set>',
  )
  assert.equal(resultSet(ids, { start: 0, end: 0 }).toString(), '<set xmlns="http://jabber.org/protocol/rsm"><count>5</count></set>')
})

test('what makes no sense is refused', () => {
  assert.equal(refusal('<after>x</after>'), 'item-not-found')
  assert.equal(refusal('<before>x</before>'), 'item-not-found')
  for (const content of ['<max>-1</max>', '<max>many</max>', '<index>1.5</index>', '<after>a</after><before/>', '<after>a</after><index>1</index>']) {
    assert.equal(refusal(content), 'bad-request', content)
  }
  const twice = parseElement('<q xmlns="urn:x"><set xmlns="http://jabber.org/protocol/rsm"/><set xmlns="http://jabber.org/protocol/rsm"/></q>')
  assert.throws(() => readPageRequest(twice), StanzaError)
})
