import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashOfInfo, infoQuery, legacyHashOfInfo } from './capability-hash.js'
import { parseElement } from './element.js'

const INFO = 'http://jabber.org/protocol/disco#info'

const EXODUS = infoQuery(undefined, {
  identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
  features: [
    'http://jabber.org/protocol/muc',
    'http://jabber.org/protocol/disco#items',
    'http://jabber.org/protocol/caps',
    'http://jabber.org/protocol/disco#info',
  ],
})

const PSI = parseElement(`<query xmlns="${INFO}">
  <identity xml:lang="en" category="client" name="Psi 0.11" type="pc"/>
  <identity xml:lang="el" category="client" name="Ψ 0.11" type="pc"/>
  <feature var="http://jabber.org/protocol/caps"/><feature var="http://jabber.org/protocol/disco#info"/>
  <feature var="http://jabber.org/protocol/disco#items"/><feature var="http://jabber.org/protocol/muc"/>
  <x xmlns="jabber:x:data" type="result">
    <field var="FORM_TYPE" type="hidden"><value>urn:xmpp:dataforms:softwareinfo</value></field>
    <field var="ip_version"><value>ipv4</value><value>ipv6</value></field>
    <field var="os"><value>Mac</value></field><field var="os_version"><value>10.5.1</value></field>
    <field var="software"><value>Psi</value></field><field var="software_version"><value>0.11</value></field>
  </x></query>`)

/** The simple example of XEP-0390 §4.6. */
const BOMBUS = parseElement(
  `<query xmlns="${INFO}"><identity category="client" name="BombusMod" type="mobile"/>${[
    'http://jabber.org/protocol/si',
    'http://jabber.org/protocol/bytestreams',
    'http://jabber.org/protocol/chatstates',
    'http://jabber.org/protocol/disco#info',
    'http://jabber.org/protocol/disco#items',
    'urn:xmpp:ping',
    'jabber:iq:time',
    'jabber:iq:privacy',
    'jabber:iq:version',
    'http://jabber.org/protocol/rosterx',
    'urn:xmpp:time',
    'jabber:x:oob',
    'http://jabber.org/protocol/ibb',
    'http://jabber.org/protocol/si/profile/file-transfer',
    'urn:xmpp:receipts',
    'jabber:iq:roster',
    'jabber:iq:last',
  ]
    .map((it) => `<feature var="${it}"/>`)
    .join('')}</query>`,
)

test('the hashes of XEP-0115 §5.2 and §5.3', () => {
  assert.equal(legacyHashOfInfo(EXODUS, 'sha-1'), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
  assert.equal(legacyHashOfInfo(PSI, 'sha-1'), 'q07IKJEyjvHSyhy//CH0CxmKi8w=')
})

test('the hashes of XEP-0390 §4.6', () => {
  assert.equal(hashOfInfo(BOMBUS, 'sha-256'), 'kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=')
  assert.equal(hashOfInfo(BOMBUS, 'sha3-256'), '79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q=')
})

test('an ill-formed answer has no hash (XEP-0115 §5.4, XEP-0390 §4.1)', () => {
  const query = (inner: string) => parseElement(`<query xmlns="${INFO}">${inner}</query>`)
  assert.equal(legacyHashOfInfo(query('<feature var="a"/><feature var="a"/>'), 'sha-1'), undefined)
  assert.equal(legacyHashOfInfo(EXODUS, 'crc-32'), undefined)
  assert.equal(hashOfInfo(query('<item/><stranger xmlns="urn:x"/>'), 'sha-256'), undefined)
  assert.equal(hashOfInfo(query('<x xmlns="jabber:x:data" type="result"/>'), 'sha-256'), undefined)
})
