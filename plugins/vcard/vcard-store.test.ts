import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines } from '../../test/support/engines.js'
import { tables, VcardStore } from './vcard-store.js'

onBothEngines((newStore) => {
  test('the last vCard stored is found letter by letter, and only its own user has it', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('vcard', tables)
    const store = new VcardStore(server.forPlugin('vcard'))
    const vcard = `<vCard xmlns="vcard-temp"><FN>Jülïet 💘 &amp; co</FN><NOTE>${'x'.repeat(70_000)}</NOTE></vCard>`
    await store.save('juliet', '<vCard xmlns="vcard-temp"/>')
    await store.save('juliet', vcard)
    assert.equal(await store.find('juliet'), vcard)
    assert.equal(await store.find('romeo'), undefined)
    await store.remove('juliet')
    assert.equal(await store.find('juliet'), undefined)
  })

  test("Openfire's table is used as it is, with the vCards in it", async (t) => {
    const server = await (await newStore(t)).open()
    const { knex } = server.forPlugin('vcard')
    await knex.schema.createTable('ofVCard', (table) => {
      table.string('username', 64).notNullable().primary()
      table.text('vcard', 'mediumtext').notNullable()
    })
    await knex('ofVCard').insert({ username: 'juliet', vcard: '<vCard xmlns="vcard-temp"><FN>Juliet</FN></vCard>' })
    await server.migrate('vcard', tables)
    const store = new VcardStore(server.forPlugin('vcard'))
    assert.match((await store.find('juliet')) ?? '', /<FN>Juliet</)
    await store.save('juliet', '<vCard xmlns="vcard-temp"/>')
    assert.deepEqual(await knex('ofVCard'), [{ username: 'juliet', vcard: '<vCard xmlns="vcard-temp"/>' }])
  })
})
