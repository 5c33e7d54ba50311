import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, Message, parseElement } from '@beaconfire/plugin-sdk'
import { eventMessage } from './event-message.js'
import { selfContained } from './payload.js'

function first(xml: string) {
  const [child] = parseElement(xml).children
  assert.ok(typeof child === 'object')
  return child
}

test('a payload declares the namespaces that it inherited, and no others', () => {
  assert.equal(selfContained(first('<item xmlns="urn:outer"><a/></item>')), '<a xmlns="urn:outer"/>')
  assert.equal(selfContained(first('<item xmlns="urn:outer"><a xmlns="urn:own"/></item>')), '<a xmlns="urn:own"/>')
  const prefixed = selfContained(
    first('<item xmlns:p="urn:p" xmlns:q="urn:q" xmlns:r="urn:r"><p:a q:x="1" xml:lang="en"><s:b xmlns:s="urn:s"/></p:a></item>'),
  )
  const read = parseElement(prefixed)
  assert.equal(read.getNS(), 'urn:p')
  assert.equal(read.attrs['xmlns:q'], 'urn:q')
  assert.equal(read.attrs['xmlns:r'], undefined)
})

test('an event is the same read by its outline as by its tree', () => {
  const delay = parseElement('<delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/>')
  const addresses = parseElement('<addresses xmlns="urn:a"><address jid="a&gt;b"/></addresses>')
  const message = eventMessage({
    from: { toString: () => 'a@test' } as never,
    type: 'headline',
    id: '1',
    event: '<items node="x"/>',
    more: [delay, addresses],
  })
  assert.ok(message instanceof Message)
  assert.deepEqual(message.childNamespaces(), ['http://jabber.org/protocol/pubsub#event', 'urn:xmpp:delay', 'urn:a'])
  assert.equal(message.childText('delay', 'urn:xmpp:delay'), '')
  const tree = parseElement(message.toString())
  assert.ok(findChild(tree, 'delay', 'urn:xmpp:delay') && findChild(tree, 'addresses', 'urn:a'))
  assert.equal(findChild(tree, 'event', 'http://jabber.org/protocol/pubsub#event')?.getChild('items')?.attrs.node, 'x')
})
