import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import { type PrivacyItem, PrivacyList } from './privacy-list.js'

const rule = (text: string, changes: Partial<PrivacyItem> = {}): PrivacyItem => ({
  order: 1,
  action: 'deny',
  match: { type: 'jid', jid: Jid.parse(text) },
  parts: undefined,
  ...changes,
})
const denies = (item: PrivacyItem, peer: string) => new PrivacyList('l', [item]).deniedBy('message', Jid.parse(peer), undefined) !== undefined

test('an address matches itself, its resources, or all that is at its domain (XEP-0016 §2.1)', () => {
  const peers = ['a@d/r', 'a@d/s', 'a@d', 'b@d/r', 'd/r', 'd', 'a@e/r', 'sub.d']
  const matched = (text: string) => peers.filter((peer) => denies(rule(text), peer))
  assert.deepEqual(matched('a@d/r'), ['a@d/r'])
  assert.deepEqual(matched('a@d'), ['a@d/r', 'a@d/s', 'a@d'])
  assert.deepEqual(matched('d/r'), ['d/r'])
  assert.deepEqual(matched('d'), ['a@d/r', 'a@d/s', 'a@d', 'b@d/r', 'd/r', 'd'])
})

test('only a denied address without exceptions is a blocked one (XEP-0191 §5)', () => {
  const list = new PrivacyList('l', [
    rule('z@d', { order: 9 }),
    rule('b@d', { order: 2, action: 'allow' }),
    rule('c@d', { order: 3, parts: new Set(['iq']) }),
    rule('d@d', { order: 4, match: undefined }),
    rule('a@d', { order: 1 }),
  ])
  assert.deepEqual(list.blocked().map(String), ['a@d', 'z@d'])
})
