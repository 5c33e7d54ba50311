import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines } from '../../test/support/engines.js'
import { PrivateStore, tables } from './private-store.js'

const a = { name: 'a', namespace: 'urn:x', privateData: '<a xmlns="urn:x">💘</a>' }

onBothEngines((newStore) => {
  test('elements are told apart by user, name and namespace, with their case', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('private-storage', tables)
    const store = new PrivateStore(server.forPlugin('private-storage'))
    await store.save('juliet', [a, { ...a, name: 'A', privateData: 'other name' }, { ...a, namespace: 'urn:X', privateData: 'other namespace' }], 3)
    await store.save('juliet', [{ ...a, privateData: '<a xmlns="urn:x">new</a>' }], 3)
    await store.save('romeo', [a], 3)
    assert.equal(await store.find('juliet', a), '<a xmlns="urn:x">new</a>')
    assert.equal(await store.find('juliet', { ...a, name: 'A' }), 'other name')
    assert.equal(await store.find('romeo', a), a.privateData)
    await store.removeAll('juliet')
    assert.equal(await store.find('juliet', a), undefined)
    assert.equal(await store.find('romeo', a), a.privateData)
  })

  test("an older Openfire's table is used as it is, with the data in it", async (t) => {
    const server = await (await newStore(t)).open()
    const { knex } = server.forPlugin('private-storage')
    await knex.schema.createTable('ofPrivate', (table) => {
      table.string('username', 64).notNullable()
      table.string('name', 100).notNullable()
      table.string('namespace', 200).notNullable()
      table.text('privateData').notNullable()
      table.primary(['username', 'name', 'namespace'])
    })
    await knex('ofPrivate').insert({ username: 'juliet', ...a })
    await server.migrate('private-storage', tables)
    const store = new PrivateStore(server.forPlugin('private-storage'))
    assert.equal(await store.find('juliet', a), a.privateData)
    assert.equal(await store.save('juliet', [{ ...a, name: 'b' }], 1), false)
    assert.equal(await store.find('juliet', { ...a, name: 'b' }), undefined)
  })
})
