import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountTables } from '../../core/auth/account-tables.js'
import { onBothEngines } from '../../test/support/engines.js'
import { StandingMessages } from './standing-messages.js'

onBothEngines((newStore) => {
  test('messages are kept with who has seen which, a new one is for all again', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('beaconfire', accountTables)
    const database = server.forPlugin('service-admin')
    const messages = new StandingMessages(database)
    await messages.load()
    assert.deepEqual([messages.motd, messages.welcome], [undefined, undefined])
    await messages.setMotd('Müßig 💘', true)
    await messages.setWelcome('Hello')
    const users = Array.from({ length: 450 }, (_, i) => `u${i}`)
    await messages.noteMotdSeen(users)
    await messages.noteMotdSeen(['u7'])

    const again = new StandingMessages(database)
    await again.load()
    assert.deepEqual([again.motd, again.welcome], ['Müßig 💘', 'Hello'])
    assert.deepEqual([await again.hasSeenMotd('u449'), await again.hasSeenMotd('other')], [true, false])
    await again.setMotd('corrected', false)
    assert.equal(await again.hasSeenMotd('u7'), true)
    await again.setMotd('new', true)
    assert.equal(await again.hasSeenMotd('u7'), false)
    await again.deleteMotd()
    await again.setWelcome(undefined)
    for (const table of ['ofProperty', 'ofUserProp']) assert.deepEqual(await database.knex(table), [])
  })

  test("Openfire's own message of the day and welcome message are taken over", async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('beaconfire', accountTables)
    const database = server.forPlugin('service-admin')
    await database.knex('ofProperty').insert([
      { name: 'plugin.motd.message', propValue: 'From before' },
      { name: 'registration.welcome.message', propValue: '' },
    ])
    const messages = new StandingMessages(database)
    await messages.load()
    assert.deepEqual([messages.motd, messages.welcome], ['From before', undefined])
    assert.equal(await messages.hasSeenMotd('juliet'), false)
    await messages.noteMotdSeen(['juliet'])
    assert.equal(await messages.hasSeenMotd('juliet'), true)
  })
})
