import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanAcknowledgement } from './scan-acknowledgement.js'

test('acknowledgements of the usual forms are read, wherever they stand', () => {
  for (const [text, written] of [
    [`<r xmlns='urn:xmpp:sm:3'/>`, '<r xmlns="urn:xmpp:sm:3"/>'],
    [`<a xmlns="urn:xmpp:sm:3" h="4294967295" />`, '<a xmlns="urn:xmpp:sm:3" h="4294967295"/>'],
    [`<a h='0' xmlns='urn:xmpp:sm:3'/>`, '<a xmlns="urn:xmpp:sm:3" h="0"/>'],
  ] as const) {
    const found = scanAcknowledgement(`  ${text}<message/>`, 2)
    assert.deepEqual([found?.element.toString(), found?.end], [written, 2 + text.length])
    assert.equal(found?.element.getNS(), 'urn:xmpp:sm:3')
  }
})

test('all else is left to the strict parser', () => {
  for (const text of [
    `<r xmlns='urn:xmpp:sm:2'/>`,
    `<r xmlns='urn:xmpp:sm:3">`,
    `<r xmlns='urn:xmpp:sm:3"/>`,
    `<a xmlns='urn:xmpp:sm:3'/>`,
    `<a xmlns='urn:xmpp:sm:3' h="1"/>`,
    `<a xmlns='urn:xmpp:sm:3' h='x'/>`,
    `<a xmlns='urn:xmpp:sm:3' h='1'></a>`,
    `<a xmlns='urn:xmpp:sm:3' h='1'`,
    `<auth xmlns='urn:xmpp:sm:3'/>`,
    '<message/>',
    '<',
    '',
  ]) {
    assert.equal(scanAcknowledgement(text, 0), undefined, text)
  }
})
