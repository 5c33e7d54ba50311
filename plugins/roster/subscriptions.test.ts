/** Who may see whom, over sockets: both rosters, what their owners are told, and what other plugins hear of it (RFC 6121 §3). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PeerDomain, serviceUser, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { bare, befriend, interested, itemsOf, says, setItem, told } from '../../test/conformance/support/contacts.js'
import { stageOfSuite } from '../../test/conformance/support/stage.js'
import presence from '../presence/index.js'
import roster from './index.js'

describe('subscriptions', () => {
  const peer = new PeerDomain()
  const listener = serviceUser('roster')
  const stage = stageOfSuite({ plugins: [roster, presence, peer.plugin, listener.plugin], database: 'memory' }, listen)
  const rows = (table: string) => stage.server.database.forPlugin('test').knex(table)

  /** Who may see whom from now on, since the last time that this was read. */
  const changes: string[] = []
  function listen(): void {
    listener.services.roster.onSubscriptionChange(({ user, contact, maySeePresence }) => {
      changes.push(`${contact} ${maySeePresence ? 'may' : 'may not'} see ${user}`)
    })
  }

  const login = async (role: string) => interested(await stage.login({ role }))
  async function couple(): Promise<[TestClient, TestClient, string, string]> {
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    changes.length = 0
    peer.take()
    return [romeo, juliet, bare(romeo), bare(juliet)]
  }
  const friends = async () => {
    const all = await couple()
    await befriend(all[0], all[1])
    changes.length = 0
    return all
  }

  describe('a subscription', () => {
    test('is asked for, granted and seen by both, each step stamped with bare JIDs', async () => {
      const [romeo, juliet, him, her] = await couple()
      await says(romeo, `<presence id='s' type='subscribe' to='${her}/balcony'><status>Please</status></presence>`)
      assert.deepEqual(await told(romeo), [`push ${her} none ask`])
      await juliet.expect(`<presence id="s" type="subscribe" to="${her}" from="${him}"><status>Please</status></presence>`)
      assert.deepEqual([await told(juliet), changes], [[], []])

      await says(juliet, `<presence type='subscribed' to='${him}'/>`)
      assert.deepEqual(await told(juliet), [`push ${him} from`])
      assert.deepEqual(await told(romeo), [`subscribed ${her}`, `push ${her} to`, `available ${juliet.jid}`])
      assert.deepEqual(changes, [`${him} may see ${her}`])
    })

    test('already granted is granted again by the server alone, and nothing is pushed', async () => {
      const [romeo, juliet, , her] = await friends()
      await says(romeo, `<presence type='subscribe' to='${her}'/>`)
      assert.deepEqual([await told(romeo), await told(juliet), changes], [[], [], []])
    })

    test('asked for while the contact is away is shown at every login until it is answered', async () => {
      const [romeo, account] = [await login('romeo'), await stage.account('juliet')]
      const content = "<nick xmlns='http://jabber.org/protocol/nick'>R</nick>"
      await says(romeo, `<presence type='subscribe' to='${account}'>${content}</presence>`)
      const request = `<presence type='subscribe' to='${account}' from='${bare(romeo)}'>${content}</presence>`
      const first = await stage.another(account)
      await first.expect(request)
      assert.deepEqual(await itemsOf(first), [], 'a mere request is no item')
      await first.close()
      const second = await stage.another(account)
      await second.expect(request)
      await says(second, '<presence><show>away</show></presence>')
      await second.receiveNothing((el) => el.attrs.type === 'subscribe') // only the first presence of a resource counts
      await says(second, `<presence type='unsubscribed' to='${bare(romeo)}'/>`)
      await second.close()
      assert.deepEqual(await told(await stage.another(account)), [])
    })

    test('refused leaves no ask behind, and no row with the one who refused', async () => {
      const [romeo, juliet, him, her] = await couple()
      await says(romeo, `<presence type='subscribe' to='${her}'/>`)
      assert.deepEqual([await told(romeo), await told(juliet)], [[`push ${her} none ask`], [`subscribe ${him}`]])
      await says(juliet, `<presence type='unsubscribed' to='${him}'/>`)
      assert.deepEqual(await told(juliet), [])
      assert.deepEqual(await told(romeo), [`unsubscribed ${her}`, `push ${her} none`])
      assert.deepEqual(await rows('ofRoster').where('username', juliet.jid.local), [])
    })

    test('of someone the user has in the roster leaves that item in place when it is refused', async () => {
      const [romeo, juliet, him, her] = await couple()
      await setItem(juliet, `<item jid='${him}'/>`)
      await says(romeo, `<presence type='subscribe' to='${her}'/>`)
      await says(juliet, `<presence type='unsubscribed' to='${him}'/>`)
      assert.deepEqual(await itemsOf(juliet), [`${him} none`])
    })

    test('given up by the user changes both rosters, and the contact stops being seen', async () => {
      const [romeo, juliet, him, her] = await friends()
      await says(romeo, `<presence type='unsubscribe' to='${her}'/>`)
      assert.deepEqual(await told(romeo), [`push ${her} from`, `unavailable ${juliet.jid}`])
      assert.deepEqual(await told(juliet), [`unsubscribe ${him}`, `push ${him} to`])
      assert.deepEqual(changes, [`${him} may not see ${her}`])
    })

    test('withdrawn by the contact changes both rosters', async () => {
      const [romeo, juliet, him, her] = await friends()
      await says(juliet, `<presence type='unsubscribed' to='${him}'/>`)
      assert.deepEqual(await told(juliet), [`push ${him} to`])
      assert.deepEqual(await told(romeo), [`unavailable ${juliet.jid}`, `unsubscribed ${her}`, `push ${her} from`])
      assert.deepEqual(changes, [`${him} may not see ${her}`])
    })

    test('is told to the resources whose business it is: requests to the available, changes to the interested (§3.1.3, §3.1.6)', async () => {
      const [romeo, juliet, him, her] = await couple()
      const available = await stage.another(romeo)
      const waiting = await interested(await stage.another(romeo, { available: false }))
      for (const client of [romeo, available]) await told(client)
      const all = async () => [await told(romeo), await told(available), await told(waiting)]
      await says(juliet, `<presence type='subscribe' to='${him}'/>`)
      assert.deepEqual(await all(), [[`subscribe ${her}`], [`subscribe ${her}`], []])
      await says(romeo, `<presence type='subscribe' to='${her}'/>`)
      await says(juliet, `<presence type='subscribed' to='${him}'/>`)
      const steps = [`push ${her} none ask`, `subscribed ${her}`, `push ${her} to`]
      const shown = `available ${juliet.jid}`
      assert.deepEqual(await all(), [[...steps, shown], [shown], steps])
    })

    test('is ended in answer to the contact who gave it up, with the id of what said so (A.3.2)', async () => {
      const [, juliet, , her] = await couple()
      const from = (type: string, id: string) => peer.say(`<presence type='${type}' id='${id}' from='romeo@peer.test' to='${her}'/>`)
      await from('subscribe', '1')
      await says(juliet, "<presence type='subscribed' to='romeo@peer.test'/>")
      peer.take()
      await from('unsubscribe', '2')
      const [hidden, ended, ...more] = peer.take()
      assert.match(String(hidden), new RegExp(`type="unavailable".*from="${juliet.jid}"|from="${juliet.jid}".*type="unavailable"`))
      assert.deepEqual([ended, more], [`<presence from="${her}" to="romeo@peer.test" type="unsubscribed" id="2"/>`, []])
      await from('unsubscribe', '3')
      assert.deepEqual(peer.take(), [])
    })

    test('is not changed by what comes for a resource that is not there, unless it is a request (§8.5.3.2.2)', async () => {
      const [, juliet, , her] = await couple()
      await says(juliet, "<presence type='subscribe' to='romeo@peer.test'/>")
      await told(juliet)
      await peer.say(`<presence type='subscribed' from='romeo@peer.test' to='${her}/gone'/>`)
      assert.deepEqual(await told(juliet), [])
      await peer.say(`<presence type='subscribe' from='romeo@peer.test' to='${her}/gone'/>`)
      await juliet.expect(`<presence type='subscribe' from='romeo@peer.test' to='${her}'/>`)
    })

    test('approved in advance is granted without asking, until the approval is taken back (§3.4)', async () => {
      const [romeo, juliet, him, her] = await couple()
      await says(juliet, `<presence type='subscribed' to='${him}'/>`)
      await says(juliet, "<presence type='subscribed' to='nurse@peer.test'/><presence type='unsubscribed' to='nurse@peer.test'/>")
      assert.deepEqual(await told(juliet), [`push ${him} none approved`, 'push nurse@peer.test none approved', 'push nurse@peer.test none'])
      assert.deepEqual([await told(romeo), peer.take()], [[], []])
      await says(romeo, `<presence type='subscribe' to='${her}'/>`)
      assert.deepEqual(await told(juliet), [`push ${him} from approved`])
      assert.deepEqual(await told(romeo), [`push ${her} none ask`, `subscribed ${her}`, `push ${her} to`, `available ${juliet.jid}`])
      assert.deepEqual(changes, [`${him} may see ${her}`])
    })

    test('to nobody, oneself or an unknown account is refused, ignored, and ignored', async () => {
      const [romeo, , him] = await couple()
      await says(romeo, "<presence id='1' type='subscribe'/>")
      assert.deepEqual(await told(romeo), ['error bad-request'])
      await says(romeo, `<presence type='subscribe' to='${him}'/>`)
      assert.deepEqual(await told(romeo), [])
      await says(romeo, "<presence type='subscribe' to='nobody@test'/>")
      assert.deepEqual(await told(romeo), ['push nobody@test none ask'])
    })

    const startStrict = (t: TestScope) => {
      const settings = { roster: { maxPendingRequests: 1 } }
      return startTestServer(t, { plugins: [roster, presence], database: 'memory', config: { plugins: { settings } } })
    }

    test('asked for by more strangers than are kept waits while the user answers them', async (t) => {
      const strict = await startStrict(t)
      const names = ['romeo', 'paris', 'mercutio', 'tybalt']
      const juliet = await strict.login('juliet')
      for (const name of names) (await strict.login(name)).send("<presence type='subscribe' to='juliet@test'/>")
      const asked: string[] = []
      for (const _ of names) {
        const { from = '' } = (await juliet.receive((el) => el.attrs.type === 'subscribe')).attrs
        asked.push(from)
        await says(juliet, `<presence type='subscribed' to='${from}'/>`)
      }
      assert.deepEqual(asked.sort(), names.map((it) => `${it}@test`).sort())
    })

    test('asked for by more strangers than are kept is refused to the next where nobody answers', async (t) => {
      const strict = await startStrict(t)
      await strict.accounts.create({ username: 'juliet', password: 'juliet' })
      const [romeo, paris] = [await strict.login('romeo'), await strict.login('paris')]
      for (const client of [romeo, paris]) await says(client, "<presence type='subscribe' to='juliet@test'/>")
      assert.deepEqual(await told(paris), ['error resource-constraint'])
      assert.deepEqual(await told(await strict.login('juliet')), ['subscribe romeo@test'])
    })
  })

  describe('removal', () => {
    test('of an item ends the subscriptions both ways (§2.5.2)', async () => {
      const [romeo, juliet, him, her] = await friends()
      await setItem(romeo, `<item jid='${her}' subscription='remove'/>`)
      assert.deepEqual(await told(romeo), [`push ${her} remove`, `unavailable ${juliet.jid}`])
      const ended = [`unavailable ${romeo.jid}`, `unsubscribed ${him}`, `push ${him} from`, `unsubscribe ${him}`, `push ${him} none`]
      assert.deepEqual(await told(juliet), ended)
      assert.deepEqual(changes, [`${her} may not see ${him}`, `${him} may not see ${her}`])
    })

    test('of an account ends all its subscriptions and leaves no row', async () => {
      const [romeo, juliet, him] = await friends()
      await says(romeo, "<presence type='subscribe' to='nurse@peer.test'/>")
      await setItem(romeo, "<item jid='paris@test'><group>Rivals</group></item>")
      peer.take()
      await stage.server.accounts.remove(romeo.jid.local)
      assert.deepEqual(peer.take(), [`<presence from="${him}" to="nurse@peer.test" type="unsubscribe"/>`])
      assert.deepEqual(await itemsOf(juliet), [`${him} none`])
      assert.deepEqual(await rows('ofRoster').where('username', romeo.jid.local), [])
      assert.deepEqual(await rows('ofRosterGroups'), [])
    })
  })

  test('a reload of the plugin remembers who is interested in pushes, and passes over what it cannot read', async (t) => {
    const setup: typeof roster.setup = (context) => {
      const own = roster.setup(context)
      return { ...own, save: async () => [7, 'gone@test/x', ...(((await own.save?.()) ?? []) as string[])] }
    }
    const other = await startTestServer(t, { plugins: [{ ...roster, setup }, presence], database: 'memory' })
    const [romeo, silent] = [await interested(await other.login('romeo')), await other.login('romeo')]
    for (const client of [romeo, silent]) await told(client)
    await other.plugins.reload('roster')
    await setItem(silent, "<item jid='juliet@test'/>")
    assert.deepEqual([await told(romeo), await told(silent)], [['push juliet@test none'], []])
  })
})
