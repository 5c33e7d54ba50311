import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Crossing, Jid, type Message, type PacketInterceptor, parseStanza, type SessionKind } from '@beaconfire/plugin-sdk'
import { offlinePlugin } from '../../test/support/offline-plugin.js'
import { forgedDelay } from './forged-delay.js'

const interceptor = forgedDelay(Jid.parse('example.org'))

function passed(content: string, kind: SessionKind = 'client', by: PacketInterceptor = interceptor): string {
  const packet = parseStanza(`<message>${content}</message>`) as Message
  void by.interceptPacket({ packet, session: { kind } } as unknown as Crossing)
  return packet.innerXml()
}

const delay = (from: string) => `<delay xmlns="urn:xmpp:delay" from="${from}" stamp="2020-01-01T00:00:00Z"/>`
const legacy = (from: string) => `<x xmlns="jabber:x:delay" from="${from}" stamp="20200101T00:00:00"/>`
const BODY = '<body>x</body>'

test("stamps in the server's name are removed, in both forms and however it is spelt", () => {
  for (const name of ['example.org', 'EXAMPLE.org', 'example.org.']) assert.equal(passed(delay(name) + BODY + legacy(name) + delay(name)), BODY)
})

test('stamps of others, without a name, and other elements stay', () => {
  for (const content of [delay('room@conference.example.org') + BODY, delay('elsewhere.org') + BODY, legacy('juliet@example.org') + BODY]) {
    assert.equal(passed(content), content)
  }
  const anonymous = '<delay xmlns="urn:xmpp:delay" stamp="2020-01-01T00:00:00Z"/><x xmlns="jabber:x:oob" from="example.org"/>'
  assert.equal(passed(anonymous + delay('example.org')), anonymous)
})

test("the server's own stanzas keep theirs", () => {
  assert.equal(passed(delay('example.org'), 'internal'), delay('example.org'))
})

test("the plugin does it in its server's name", async (t) => {
  const { interceptors = [] } = await offlinePlugin(t)
  const contributed = interceptors.find((it) => it.name === interceptor.name) ?? assert.fail()
  assert.equal(passed(delay('test') + BODY, 'client', contributed), BODY)
})
