import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ClientSession, element, Jid, type Presence, presence, type RosterItem, type Sessions } from '@beaconfire/plugin-sdk'
import { FanOut } from './fan-out.js'

const romeo = Jid.parse('romeo@test/orchard')

/** Contacts of whom each has one resource, and what each of those got. */
function crowd(count: number) {
  const items = new Map<string, RosterItem>()
  const got = new Map<string, string[]>()
  const bySession = new Map<string, ClientSession>()
  for (let at = 0; at < count; at++) {
    const jid = Jid.parse(`contact${at}@test`)
    const statuses: string[] = []
    items.set(jid.toString(), { jid, subscription: 'both', groups: [] } as unknown as RosterItem)
    got.set(jid.toString(), statuses)
    const deliver = (stanza: Presence) => void statuses.push(stanza.childText('status') ?? '')
    bySession.set(jid.toString(), { jid, isAvailable: true, deliver } as unknown as ClientSession)
  }
  const sessions = { ofUser: (jid: Jid) => [bySession.get(jid.bare().toString()) ?? []].flat() } as unknown as Sessions
  const fanOut = new FanOut({ domain: Jid.parse('test'), sessions, route: () => {} })
  const say = (text: string) => {
    return fanOut.broadcast(presence({ from: romeo }, element('status', {}, text)), { jid: romeo } as unknown as ClientSession, items)
  }
  return { got, say, reached: () => [...got.values()].filter((it) => it.length > 0).length }
}

test('a broadcast to few is done at once', () => {
  const { say, reached } = crowd(300)
  assert.equal(say('away'), undefined)
  assert.equal(reached(), 300)
})

test('a broadcast to very many lets others have their turn, and what is said next comes behind it at everyone', async () => {
  const { got, say, reached } = crowd(3000)
  const first = say('away')
  assert.ok(reached() < 1000, `${reached()} in one turn`)
  await nextTurn()
  assert.ok(reached() < 2000, `${reached()} in two turns`)
  await Promise.all([first, say('back')])
  assert.equal(reached(), 3000)
  for (const statuses of got.values()) assert.deepEqual(statuses, ['away', 'back'])
})
