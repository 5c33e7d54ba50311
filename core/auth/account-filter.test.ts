import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountFilter } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import { narrow } from './account-filter.js'
import { accountTables } from './account-tables.js'

onBothEngines((newStore) => {
  test('accounts are found by the fields that are looked in, and by whether they may log in', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('beaconfire', accountTables)
    const database = server.forPlugin('beaconfire')
    const { knex } = database
    const date = '001700000000000'
    for (const [username, name, email] of [
      ['juliet', 'Capulet', 'j@capulet.lit'],
      ['romeo', 'Montague 100%', 'juliet_fan@montague.lit'],
      ['tybalt', null, null],
    ]) {
      await knex('ofUser').insert({ username, name, email, creationDate: date, modificationDate: date })
    }
    const future = String(Date.now() + 1e6).padStart(15, '0')
    await knex('ofUserFlag').insert({ username: 'juliet', name: 'lockout', startTime: null, endTime: null })
    await knex('ofUserFlag').insert({ username: 'tybalt', name: 'lockout', startTime: date, endTime: future })
    await knex('ofUserFlag').insert({ username: 'romeo', name: 'lockout', startTime: future, endTime: null })
    const found = async (filter: AccountFilter) => {
      const query = knex('ofUser as u')
        .leftJoin('ofUserFlag as f', (on) => void on.on('f.username', 'u.username').andOnVal('f.name', 'lockout'))
        .orderBy('u.username')
      narrow(query, filter)
      const rows: { username: string }[] = await query.select('u.username')
      return rows.map((row) => row.username).join(' ')
    }
    assert.equal(await found({}), 'juliet romeo tybalt')
    assert.equal(await found({ search: 'JULIET' }), 'juliet romeo')
    assert.equal(await found({ search: 'juliet', searchIn: ['username'] }), 'juliet')
    assert.equal(await found({ search: 'juliet', searchIn: ['name', 'username'] }), 'juliet')
    assert.equal(await found({ search: 'juliet', searchIn: [] }), '')
    assert.equal(await found({ search: '100%', searchIn: ['name'] }), 'romeo')
    assert.equal(await found({ search: '%' }), 'romeo')
    assert.equal(await found({ search: '_' }), 'romeo')
    assert.equal(await found({ disabled: true }), 'juliet tybalt')
    assert.equal(await found({ disabled: false }), 'romeo')
    assert.equal(await found({ disabled: true, search: 'ty' }), 'tybalt')
  })
})
