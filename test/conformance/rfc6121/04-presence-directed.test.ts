/** RFC 6121 §4.6: presence for one, and how it is taken back. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import ping from '../../../plugins/ping/index.js'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { bare, befriend, interested, seen, settle } from '../support/contacts.js'
import { openStage } from '../support/stage.js'

const stage = await openStage({ plugins: [ping, roster, presence] })

const login = async (role: string) => interested(await stage.login({ role }))
const friends = async () => {
  const [user, contact] = [await login('user'), await login('contact')]
  await befriend(user, contact)
  return [user, contact] as const
}

describe('directed presence', () => {
  test('reaches who is no contact, and is no part of later broadcasts (§4.6.3 rule 2)', async () => {
    const [user, stranger] = [await stage.login(), await stage.login()]
    user.send(`<presence to='${stranger.jid}'><status>Hello</status></presence>`)
    assert.equal(await seen(stranger), `available ${user.jid} Hello`)
    user.send('<presence><show>away</show></presence>')
    await user.sync()
    await stranger.receiveNothing('presence')
  })

  test('is taken back when the resource becomes unavailable, by word or by loss, once (§4.6.3 rule 2)', async () => {
    const stranger = await stage.login()
    for (const end of ['unavailable', 'drop'] as const) {
      const user = await stage.login()
      user.send(`<presence to='${stranger.jid}'/>`)
      assert.equal(await seen(stranger), `available ${user.jid}`)
      if (end === 'drop') user.drop()
      else {
        user.send("<presence type='unavailable'/>")
        await user.close()
      }
      assert.equal(await seen(stranger), `unavailable ${user.jid}`)
      await stranger.receiveNothing('presence')
    }
  })

  test('that was taken back by the client is not taken back again (§4.6.1)', async () => {
    const [user, stranger] = [await stage.login(), await stage.login()]
    user.send(`<presence to='${stranger.jid}'/><presence to='${stranger.jid}' type='unavailable'/>`)
    await user.close()
    assert.deepEqual([await seen(stranger), await seen(stranger)], [`available ${user.jid}`, `unavailable ${user.jid}`])
    await stranger.receiveNothing('presence')
  })

  test('of a resource that is not available is delivered and taken back all the same (§4.6.3 rule 3)', async () => {
    const [user, stranger] = [await stage.login({ available: false }), await stage.login()]
    user.send(`<presence to='${bare(stranger)}'/>`)
    assert.equal(await seen(stranger), `available ${user.jid}`)
    await user.close()
    assert.equal(await seen(stranger), `unavailable ${user.jid}`)
  })

  test('to a subscribed contact leaves the contact in all broadcasts, and the end is told once (§4.6.3 rule 1)', async () => {
    const [user, contact] = await friends()
    await settle(user, contact)
    user.send(`<presence to='${bare(contact)}'><status>for you</status></presence><presence><status>for all</status></presence>`)
    await user.close()
    assert.deepEqual(
      [await seen(contact), await seen(contact), await seen(contact)],
      [`available ${user.jid} for you`, `available ${user.jid} for all`, `unavailable ${user.jid}`],
    )
    await contact.receiveNothing('presence')
  })

  test('does not outlive a cancelled subscription: the contact is shown the end (§4.6.1)', async () => {
    const [user, contact] = await friends()
    await settle(user, contact)
    user.send(`<presence to='${contact.jid}'/><presence type='unsubscribed' to='${bare(contact)}'/>`)
    assert.deepEqual([await seen(contact), await seen(contact)], [`available ${user.jid}`, `unavailable ${user.jid}`])
  })
})
