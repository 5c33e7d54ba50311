import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientSession, type Contributions, element, Jid, NS, type OutgoingGate, parseStanza, type Stanza } from '@beaconfire/plugin-sdk'
import csi from './index.js'

/** A session that notes what is written to it. */
class FakeSession {
  readonly id = 'stream'
  readonly written: string[] = []
  gate: OutgoingGate | undefined

  constructor(readonly jid: Jid) {}

  write(xml: string): void {
    const stanza = parseStanza(xml)
    if (!this.gate?.withholds(stanza)) this.release(stanza)
  }
  release(stanza: Stanza): void {
    this.written.push(stanza.attribute('id') ?? '')
  }
}

/** One version of the plugin over the same sessions. */
function version(session: FakeSession): Contributions & { tell(name: 'active' | 'inactive'): void } {
  const config = { presence: true, chatStates: true, pubsub: true, mostHeld: 10 }
  const sessions = { get: (jid: Jid) => (jid.equals(session.jid) ? session : undefined) }
  const contributions = csi.setup({ config, sessions, metrics: { gauge() {} } } as unknown as Parameters<typeof csi.setup>[0]) as Contributions
  const handlers = contributions.streamFeatures?.flatMap((it) => it.elements ?? [])
  return {
    ...contributions,
    tell(name) {
      const el = element(name, { xmlns: NS.csi })
      void handlers?.find((it) => it.name === name)?.handle(el, session as unknown as ClientSession)
    },
  }
}

const presence = (from: string, id: string) => `<presence from="${from}@test/r" id="${id}"/>`

test('over a reload a client stays inactive: what the old version held is written before what the new one holds', () => {
  const session = new FakeSession(Jid.parse('juliet@test/phone'))
  const old = version(session)
  old.tell('inactive')
  session.write(presence('romeo', '1'))
  const next = version(session)
  void next.restore?.(structuredClone(old.save?.()))
  session.write(presence('romeo', '2'))
  void old.stop?.()
  assert.deepEqual(session.written, ['1'])
  session.write(presence('romeo', '3'))
  next.tell('active')
  assert.deepEqual(session.written, ['1', '3'])
  session.write(presence('romeo', '4'))
  assert.deepEqual(session.written, ['1', '3', '4'])
})

test('without a next version nothing is left behind: what waits is written, and nothing waits any more', () => {
  const session = new FakeSession(Jid.parse('juliet@test/phone'))
  const only = version(session)
  only.tell('inactive')
  session.write(presence('romeo', '1'))
  void only.stop?.()
  session.write(presence('romeo', '2'))
  assert.deepEqual(session.written, ['1', '2'])
  assert.equal(session.gate, undefined)
})

test('a session that took the place of another since is not taken for it', () => {
  const before = new FakeSession(Jid.parse('juliet@test/phone'))
  const old = version(before)
  old.tell('inactive')
  const after = Object.assign(new FakeSession(before.jid), { id: 'another' })
  const next = version(after)
  void next.restore?.(old.save?.())
  assert.equal(after.gate, undefined)
})
