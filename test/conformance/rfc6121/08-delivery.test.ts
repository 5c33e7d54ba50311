/** RFC 6121 §8: what becomes of a stanza for a local user, in every cell of the table of §8.5.4 and of the rules around it. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { findChild, type Jid, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, type TestClient } from '@beaconfire/plugin-sdk/testing'
import offlineStorage from '../../../plugins/offline-storage/index.js'
import ping from '../../../plugins/ping/index.js'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { befriend, seen, settle } from '../support/contacts.js'
import { openStage, type Stage } from '../support/stage.js'

const plugins = [ping, roster, presence, offlineStorage]
const stage = await openStage({ plugins })

/** The addressee of a condition, and its resources by name. */
interface Addressee {
  readonly account: Jid | string
  readonly resources: Readonly<Record<string, TestClient>>
}

/** S: ignored. E: answered with service-unavailable. O: kept. Else the names of the resources that get it. */
type Fate = string
const TYPES = ['normal', 'chat', 'groupchat', 'headline', 'error'] as const
type Fates = readonly [normal: Fate, chat: Fate, groupchat: Fate, headline: Fate, error: Fate]

const available = async (account: Jid, ...priorities: number[]): Promise<Addressee> => {
  const resources: Record<string, TestClient> = {}
  for (const [index, priority] of priorities.entries())
    resources[`${priority < 0 ? 'negative' : 'available'}${index}`] = await stage.prioritized(account, priority)
  await settle(...Object.values(resources))
  return { account, resources }
}

/** §8.5.4, table 1, with what is chosen where the RFC leaves a choice: an error rather than silence, storage rather than an error, all resources. */
const CONDITIONS: readonly { what: string; make: () => Promise<Addressee>; bare: Fates; match?: readonly [string, Fates]; gone: Fates }[] = [
  {
    what: 'the account does not exist (§8.5.1)',
    make: async () => ({ account: `${stage.name('nobody')}@test`, resources: {} }),
    bare: ['E', 'E', 'E', 'S', 'S'],
    gone: ['E', 'E', 'E', 'E', 'S'],
  },
  {
    what: 'the account has no resource (§8.5.2.2)',
    make: async () => ({ account: await stage.account(), resources: {} }),
    bare: ['O', 'O', 'E', 'S', 'S'],
    gone: ['E', 'O', 'E', 'E', 'S'],
  },
  {
    what: 'the only resource is connected and not available (§8.5.2.1)',
    make: async () => {
      const account = await stage.account()
      return { account, resources: { connected0: await stage.another(account, { available: false }) } }
    },
    bare: ['O', 'O', 'E', 'S', 'S'],
    match: ['connected0', ['connected0', 'connected0', 'connected0', 'connected0', 'connected0']],
    gone: ['E', 'O', 'E', 'E', 'S'],
  },
  {
    what: 'the only resource has a negative priority',
    make: async () => available(await stage.account(), -1),
    bare: ['O', 'O', 'E', 'S', 'S'],
    match: ['negative0', ['negative0', 'negative0', 'negative0', 'negative0', 'negative0']],
    gone: ['E', 'O', 'E', 'E', 'S'],
  },
  {
    what: 'one resource has a priority that is not negative',
    make: async () => available(await stage.account(), 0),
    bare: ['available0', 'available0', 'E', 'available0', 'S'],
    match: ['available0', ['available0', 'available0', 'available0', 'available0', 'available0']],
    gone: ['E', 'available0', 'E', 'E', 'S'],
  },
  {
    what: 'several resources have priorities that are not negative, one has a negative one',
    make: async () => available(await stage.account(), 0, 5, -3),
    bare: ['available0 available1', 'available0 available1', 'E', 'available0 available1', 'S'],
    match: ['available1', ['available1', 'available1', 'available1', 'available1', 'available1']],
    gone: ['E', 'available0 available1', 'E', 'E', 'S'],
  },
]

/** Sends a message and looks at everybody for what became of it. */
async function fateOf(sender: TestClient, { account, resources }: Addressee, to: string, type: string): Promise<Fate> {
  const id = stage.name('message-')
  sender.send(`<message id="${id}" to="${to}" type="${type}"><body>${id}</body></message>`)
  await sender.sync()
  const reached: string[] = []
  for (const [name, client] of Object.entries(resources)) {
    await client.sync()
    const [message] = client.stream.queued((el) => el.attrs.id === id)
    if (!message) continue
    reached.push(name)
    assert.equal(message.attrs.to, to, 'the address stays as it was (§8.5.2.1.1)')
    client.stream.discard((el) => el.attrs.id === id)
  }
  const errors = sender.stream.queued((el) => el.attrs.id === id)
  sender.stream.discard((el) => el.attrs.id === id)
  const username = String(account).split('@')[0]
  const kept = await stage.server.database.forPlugin('test').knex('ofOffline').where({ username }).andWhere('stanza', 'like', `%${id}%`)
  const fates = [reached.join(' '), ...errors.map((it) => (errorCondition(it) === 'service-unavailable' ? 'E' : String(it))), kept.length > 0 && 'O']
  return fates.filter(Boolean).join(' and ') || 'S'
}

for (const { what, make, bare, match, gone } of CONDITIONS) {
  describe(`a message where ${what}`, () => {
    let sender: TestClient
    let addressee: Addressee
    before(async () => {
      sender = await stage.login()
      addressee = await make()
    })
    const rows: readonly (readonly [string, () => string, Fates | undefined])[] = [
      ['to the bare JID', () => String(addressee.account), bare],
      ['to that resource', () => `${addressee.resources[match?.[0] ?? '']?.jid}`, match?.[1]],
      ['to a resource that is not there', () => `${addressee.account}/gone`, gone],
    ]
    for (const [where, to, fates] of rows) {
      for (const [index, fate] of (fates ?? []).entries()) {
        const type = TYPES[index] as string
        test(`${where}, of type ${type}: ${describeFate(fate)} (§8.5.4)`, async () => assert.equal(await fateOf(sender, addressee, to(), type), fate))
      }
    }
  })
}

function describeFate(fate: Fate): string {
  const words: Record<string, string> = { S: 'ignored', E: 'service-unavailable', O: 'kept for later' }
  return words[fate] ?? `delivered to ${fate}`
}

describe('a message', () => {
  test('without a type, or of one nobody knows, is a normal one (§5.2.2)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    for (const type of ['', 'type="telegram"']) sender.send(`<message id="${type.length}" to="${account}/gone" ${type}><body>1</body></message>`)
    for (const id of ['0', '15']) {
      const error = await sender.receive('message')
      assert.deepEqual([error.attrs.id, errorCondition(error)], [id, 'service-unavailable'])
    }
    sender.send(`<message to="${account}" type="telegram"><body>kept</body></message>`)
    await sender.receiveNothing('message')
    assert.equal((await (await stage.another(account)).receive('message')).getChildText('body'), 'kept')
  })

  test('kept for a user is handed over to the first resource whose priority is not negative, with the time (§8.5.2.2.1)', async () => {
    const sender = await stage.login()
    const negative = await stage.prioritized(await stage.account(), -1)
    sender.send(`<message to="${negative.jid.bare()}" type="chat"><body>kept</body></message>`)
    await sender.sync()
    await negative.receiveNothing('message')
    negative.send('<presence><priority>0</priority></presence>')
    const message = await negative.receive('message')
    assert.equal(message.getChildText('body'), 'kept')
    assert.ok(findChild(message, 'delay', NS.delay))
  })

  test('goes to the most available resources alone where it is so configured; a headline to all (§8.5.2.1.1)', async () => {
    const chosen: Stage = await openStage({ plugins, config: { route: { allResources: false } } })
    const [sender, account] = [await chosen.login(), await chosen.account()]
    const [low, high, alsoHigh] = [await chosen.prioritized(account, 0), await chosen.prioritized(account, 5), await chosen.prioritized(account, 5)]
    sender.send(`<message to="${account}" type="chat"><body>chat</body></message>`)
    sender.send(`<message to="${account}" type="headline"><body>headline</body></message>`)
    await sender.sync()
    const got: string[][] = []
    for (const client of [low, high, alsoHigh]) {
      await client.sync()
      got.push(client.stream.queued('message').map((it) => it.getChildText('body') ?? ''))
    }
    assert.deepEqual(got, [['headline'], ['chat', 'headline'], ['chat', 'headline']])
  })

  test('to oneself reaches the other resources and the own one (§8.5.2.1.1)', async () => {
    const a = await stage.login()
    const b = await stage.another(a)
    a.send(`<message to="${a.jid.bare()}" type="chat"><body>note</body></message>`)
    for (const client of [a, b]) assert.equal((await client.receive('message')).getChildText('body'), 'note')
  })
})

describe('presence', () => {
  test('available and unavailable, to a bare JID, reach every available resource and no other (§8.5.2.1.2)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    const [zero, negative] = [await stage.prioritized(account, 0), await stage.prioritized(account, -1)]
    const connected = await stage.another(account, { available: false })
    await settle(zero, negative)
    for (const type of ['', 'type="unavailable"']) sender.send(`<presence to="${account}" ${type}/>`)
    await sender.sync()
    for (const client of [zero, negative]) {
      const shown = await client.receive('presence')
      assert.deepEqual([shown.attrs.type, shown.attrs.from, shown.attrs.to], [undefined, sender.jid.toString(), account.toString()])
      assert.equal(await seen(client), `unavailable ${sender.jid}`)
    }
    await connected.receiveNothing('presence')
  })

  test('available and unavailable, to a full JID, reach that resource, available or not (§8.5.3.1)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    const [one, other] = [await stage.another(account, { available: false }), await stage.another(account)]
    for (const type of ['', 'type="unavailable"']) sender.send(`<presence to="${one.jid}" ${type}/>`)
    await sender.sync()
    assert.deepEqual([await seen(one), await seen(one)], [`available ${sender.jid}`, `unavailable ${sender.jid}`])
    await other.receiveNothing('presence')
  })

  test('for a resource, or a user, that is not there is ignored and never kept (§8.5.1, §8.5.2.2.2, §8.5.3.2.2)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    for (const to of [account.toString(), `${account}/gone`, 'nobody@test', 'nobody@test/x']) {
      for (const type of ['', 'type="unavailable"']) sender.send(`<presence to="${to}" ${type}/>`)
    }
    await sender.receiveNothing()
    await (await stage.another(account)).receiveNothing()
  })

  test('of the types of subscriptions, for a user who does not exist, is ignored (§8.5.1)', async () => {
    const sender = await stage.login()
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']) sender.send(`<presence to="nobody@test" type="${type}"/>`)
    await sender.receiveNothing()
  })

  test('of type probe is never delivered to a client (§8.5.2.1.2, §8.5.3.1)', async () => {
    const [sender, target] = [await stage.login(), await stage.login()]
    await befriend(sender, target)
    for (const to of [target.jid.bare(), target.jid]) sender.send(`<presence to="${to}" type="probe"/>`)
    await sender.sync()
    await target.receiveNothing()
  })

  test('of type error reaches the resource it is for (§8.5.3.1)', async () => {
    const [sender, target] = [await stage.login(), await stage.login()]
    sender.send(`<presence to="${target.jid}" type="error" id="e"><error type="cancel"><gone xmlns="${NS.stanzaErrors}"/></error></presence>`)
    assert.equal((await target.receive('presence')).attrs.id, 'e')
  })
})

describe('an iq', () => {
  test('to a resource reaches it, and the result or error comes back from it (§8.5.3.1)', async () => {
    const [sender, target] = [await stage.login(), await stage.login()]
    for (const type of ['result', 'error'] as const) {
      const answer = sender.request(`<iq type="get" id="${type}" to="${target.jid}"><query xmlns="urn:any"/></iq>`)
      const asked = await target.receive('iq')
      target.send(`<iq type="${type}" id="${asked.attrs.id}" to="${asked.attrs.from}"/>`)
      const { attrs } = await answer
      assert.deepEqual([attrs.type, attrs.from], [type, target.jid.toString()])
    }
  })

  test('of any type to a resource that is not there is answered with service-unavailable, unless it is an answer itself (§8.5.3.2.3)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    await stage.another(account)
    for (const type of ['get', 'set']) {
      for (const to of [`${account}/gone`, 'nobody@test/x']) {
        assert.equal(errorCondition(await sender.request(`<iq type="${type}" to="${to}"><query xmlns="urn:any"/></iq>`)), 'service-unavailable', to)
      }
    }
    for (const type of ['result', 'error']) sender.send(`<iq type="${type}" id="x" to="${account}/gone"/>`)
    await sender.receiveNothing('iq')
  })

  test('to a bare JID is answered by the server and never reaches a resource (§8.5.2.1.3, §8.5.2.2.3)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    const ask = () => sender.request(`<iq type="get" to="${account}"><query xmlns="urn:any"/></iq>`)
    assert.equal(errorCondition(await ask()), 'service-unavailable')
    const resource = await stage.another(account)
    const answer = await ask()
    assert.deepEqual([errorCondition(answer), answer.attrs.from], ['service-unavailable', account.toString()])
    await resource.receiveNothing('iq')
  })

  test('to a user who does not exist is answered with service-unavailable, as to one who does (§8.5.1)', async () => {
    const [sender, account] = [await stage.login(), await stage.account()]
    const answers = []
    for (const to of ['nobody@test', account.toString()]) {
      const answer = await sender.request(`<iq type="get" id="same" to="${to}"><query xmlns="urn:any"/></iq>`)
      answers.push(answer.toString().replaceAll(to, 'x'))
    }
    assert.equal(answers[0], answers[1])
  })
})
