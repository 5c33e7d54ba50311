/** RFC 6121 appendix A: every state of a subscription, with every stanza that can be sent or come in it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PeerDomain, type TestClient } from '@beaconfire/plugin-sdk/testing'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { bare, interested, isPush, setItem, settle } from '../support/contacts.js'
import { openStage } from '../support/stage.js'

const peer = new PeerDomain()
const stage = await openStage({ plugins: [roster, presence, peer.plugin] })

type Type = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'
/** What brings the state about, from an item in the roster: `>` sent by the user, `<` come from the contact. */
const STATES: Readonly<Record<string, readonly string[]>> = {
  None: [],
  'None + Pending Out': ['> subscribe'],
  'None + Pending In': ['< subscribe'],
  'None + Pending Out+In': ['> subscribe', '< subscribe'],
  To: ['> subscribe', '< subscribed'],
  'To + Pending In': ['> subscribe', '< subscribed', '< subscribe'],
  From: ['< subscribe', '> subscribed'],
  'From + Pending Out': ['< subscribe', '> subscribed', '> subscribe'],
  Both: ['< subscribe', '> subscribed', '> subscribe', '< subscribed'],
}
const NAMES = Object.keys(STATES)

/** Tables 2 to 9, a row a state, in the order of {@link STATES}: whether it is routed or delivered, and the new state; '' for no change. */
const TABLES: readonly {
  readonly table: string
  readonly way: '>' | '<'
  readonly type: Type
  readonly rows: readonly (readonly [boolean, string])[]
}[] = [
  {
    table: 'A.2.1',
    way: '>',
    type: 'subscribe',
    rows: [
      [true, 'None + Pending Out'],
      [true, ''],
      [true, 'None + Pending Out+In'],
      [true, ''],
      [true, ''],
      [true, ''],
      [true, 'From + Pending Out'],
      [true, ''],
      [true, ''],
    ],
  },
  {
    table: 'A.2.2',
    way: '>',
    type: 'unsubscribe',
    rows: [
      [true, ''],
      [true, 'None'],
      [true, ''],
      [true, 'None + Pending In'],
      [true, 'None'],
      [true, 'None + Pending In'],
      [true, ''],
      [true, 'From'],
      [true, 'From'],
    ],
  },
  {
    table: 'A.2.3',
    way: '>',
    type: 'subscribed',
    rows: [
      [false, 'None approved'],
      [false, 'None + Pending Out approved'],
      [true, 'From'],
      [true, 'From + Pending Out'],
      [false, 'To approved'],
      [true, 'Both'],
      [false, ''],
      [false, ''],
      [false, ''],
    ],
  },
  {
    table: 'A.2.4',
    way: '>',
    type: 'unsubscribed',
    rows: [
      [false, ''],
      [false, ''],
      [true, 'None'],
      [true, 'None + Pending Out'],
      [false, ''],
      [true, 'To'],
      [true, 'None'],
      [true, 'None + Pending Out'],
      [true, 'To'],
    ],
  },
  {
    table: 'A.3.1',
    way: '<',
    type: 'subscribe',
    rows: [
      [true, 'None + Pending In'],
      [true, 'None + Pending Out+In'],
      [false, ''],
      [false, ''],
      [true, 'To + Pending In'],
      [false, ''],
      [false, ''],
      [false, ''],
      [false, ''],
    ],
  },
  {
    table: 'A.3.2',
    way: '<',
    type: 'unsubscribe',
    rows: [
      [false, ''],
      [false, ''],
      [true, 'None'],
      [true, 'None + Pending Out'],
      [false, ''],
      [true, 'To'],
      [true, 'None'],
      [true, 'None + Pending Out'],
      [true, 'To'],
    ],
  },
  {
    table: 'A.3.3',
    way: '<',
    type: 'subscribed',
    rows: [
      [false, ''],
      [true, 'To'],
      [false, ''],
      [true, 'To + Pending In'],
      [false, ''],
      [false, ''],
      [false, ''],
      [true, 'Both'],
      [false, ''],
    ],
  },
  {
    table: 'A.3.4',
    way: '<',
    type: 'unsubscribed',
    rows: [
      [false, ''],
      [true, 'None'],
      [false, ''],
      [true, 'None + Pending In'],
      [true, 'None'],
      [true, 'None + Pending In'],
      [false, ''],
      [true, 'From'],
      [true, 'From'],
    ],
  },
]

interface Item {
  readonly jid: string
  readonly subscription: string
  readonly pendingOut: boolean
  readonly pendingIn: boolean
  readonly approved: boolean
}

/** The state as the server keeps it, which knows more than a client sees. */
async function stateOf(user: TestClient): Promise<string> {
  const answer = await stage.server.admin(`/api/v1/plugins/roster/users/${user.jid.local}`)
  const { items } = (await answer.json()) as { items: Item[] }
  const item = items.find((it) => it.jid === 'a@peer.test')
  if (!item) return 'no item'
  const pending = [item.pendingOut && 'Out', item.pendingIn && 'In'].filter(Boolean).join('+')
  const name = item.subscription.replace(/^./, (first) => first.toUpperCase())
  return [name, pending && `+ Pending ${pending}`, item.approved && 'approved'].filter(Boolean).join(' ')
}

async function play(user: TestClient, way: string, type: string): Promise<void> {
  if (way === '<') return peer.say(`<presence type='${type}' from='a@peer.test' to='${bare(user)}'/>`)
  user.send(`<presence type='${type}' to='a@peer.test'/>`)
  await user.sync()
}

async function userIn(state: string): Promise<TestClient> {
  const user = await interested(await stage.login())
  await setItem(user, "<item jid='a@peer.test'/>")
  for (const step of STATES[state] ?? []) {
    const [way, type] = step.split(' ') as [string, string]
    await play(user, way, type)
  }
  await settle(user)
  peer.take()
  return user
}

const typesOf = (stanzas: readonly string[]) => stanzas.map((it) => /type="([a-z]+)"/.exec(it)?.[1] ?? 'available')

/** What the server says to the contact besides passing the stanza on: it answers by itself, and shows or hides the user. */
function consequences(way: '>' | '<', type: Type, state: string, next: string): string[] {
  const saw = /^(From|Both)/.test(state)
  const sees = /^(From|Both)/.test(next || state)
  const said: string[] = []
  if (saw && !sees) said.push('unavailable')
  if (way === '<' && type === 'subscribe' && saw) said.push('subscribed')
  if (way === '<' && type === 'unsubscribe' && next !== '') said.push('unsubscribed')
  return !saw && sees ? [...said, 'available'] : said
}

for (const { table, way, type, rows } of TABLES) {
  describe(`${way === '>' ? 'sent' : 'received'} ${type}`, () => {
    for (const [index, [passes, next]] of rows.entries()) {
      const state = NAMES[index] as string
      const verb = way === '>' ? 'routed' : 'delivered'
      test(`in state "${state}" is ${passes ? verb : `not ${verb}`}, and ${next ? `leads to "${next}"` : 'changes nothing'} (${table})`, async () => {
        const user = await userIn(state)
        assert.equal(await stateOf(user), state)
        await play(user, way, type)
        await user.sync()
        assert.equal(await stateOf(user), next || state)
        const delivered = user.stream.queued('presence').map((it) => String(it.attrs.type))
        assert.deepEqual(delivered, way === '<' && passes ? [type] : [])
        const told = typesOf(peer.take())
        const passed = way === '>' && passes ? [type] : []
        assert.deepEqual([...told].sort(), [...passed, ...consequences(way, type, state, next)].sort())
        const visible = (it: string) => it.replace(/\+ Pending (Out)?\+?(In)?/, '$1')
        const pushes = user.stream.queued(isPush).length
        assert.equal(pushes, next !== '' && visible(next).trim() !== visible(state).trim() ? 1 : 0, 'a push for what the user sees change')
      })
    }
  })
}
