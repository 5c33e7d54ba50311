import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import { ArchiveStore, type Selection } from './archive-store.js'
import { tables } from './archive-tables.js'

const juliet = Jid.parse('juliet@test')
const nothing = () => {}

onBothEngines((newStore, client) => {
  async function open(t: Parameters<typeof newStore>[0]) {
    const place = await newStore(t)
    const server = await place.open()
    await server.migrate('mam', tables)
    const database = server.forPlugin('mam')
    const store = new ArchiveStore(database)
    const file = async (username: string, contact: string, ...stanzas: string[]) => {
      const ids: number[] = []
      for (const it of stanzas) ids.push(await store.append(username, Jid.parse(contact), it, nothing, assert.fail))
      await store.whenIdle()
      return ids
    }
    const stanzas = async (selection: Selection, limit = 100, backwards = false) =>
      (await store.page(selection, limit, backwards)).map((it) => it.stanza)
    return { place, server, database, store, file, stanzas }
  }

  test('rows of one millisecond keep their order, in both directions', async (t) => {
    const { database, store, file, stanzas } = await open(t)
    const ids = await file('romeo', 'juliet@test', 'a', 'b', 'c', 'd')
    await database.knex('ofMamArchive').update({ sentDate: 5 })
    const places = await store.positions('romeo', ids)
    const [a, , c] = ids.map((id) => places.get(id))
    assert.deepEqual(await stanzas({ username: 'romeo', after: a }, 2), ['b', 'c'])
    assert.deepEqual(await stanzas({ username: 'romeo', before: c }, 1, true), ['b'])
    assert.deepEqual(await stanzas({ username: 'romeo', after: a, before: c }), ['b'])
  })

  test('names and addresses are told apart letter by letter, and text survives', async (t) => {
    const { file, stanzas } = await open(t)
    const text = `<message><body>💘 ü \\ ' " ${'x'.repeat(70_000)}</body></message>`
    await file('romeo', 'juliet@test/Hall', text)
    await file('roméo', 'juliet@test', 'other')
    await file('romeo', 'jüliet@test/hall', 'umlaut')
    assert.deepEqual(await stanzas({ username: 'romeo', with: juliet }), [text])
    assert.deepEqual(await stanzas({ username: 'romeo', with: Jid.parse('juliet@test/Hall') }), [text])
    assert.deepEqual(await stanzas({ username: 'romeo', with: Jid.parse('juliet@test/hall') }), [])
  })

  test('the longest address there can be is filed and found', async (t) => {
    const { file, stanzas } = await open(t)
    const longest = `${'l'.repeat(1023)}@${'d'.repeat(63)}.example/${'r'.repeat(1023)}`
    await file('romeo', longest, 'a')
    assert.deepEqual(await stanzas({ username: 'romeo', with: Jid.parse(longest) }), ['a'])
    assert.deepEqual(await stanzas({ username: 'romeo', with: Jid.parse(longest).bare() }), ['a'])
  })

  test('positions are those of the own archive alone, however many are asked for', async (t) => {
    const { store, file } = await open(t)
    const [his] = await file('romeo', 'juliet@test', 'a')
    const [hers] = await file('juliet', 'romeo@test', 'a')
    assert.ok(his !== undefined && hers !== undefined)
    const many = Array.from({ length: 600 }, (_, i) => 1_000_000 + i)
    assert.deepEqual([...(await store.positions('romeo', [...many, his, hers])).keys()], [his])
  })

  test('old rows go in batches, and all rows of an account', async (t) => {
    const { database, store, file, stanzas } = await open(t)
    const old = Array.from({ length: 1201 }, (_, i) => ({
      archiveID: 10_000_000 + i,
      username: 'romeo',
      contact: 1,
      withJID: 'a@b',
      withResource: '',
      sentDate: i,
      stanza: 'old',
    }))
    for (let i = 0; i < old.length; i += 100) await database.knex('ofMamArchive').insert(old.slice(i, i + 100))
    await file('romeo', 'juliet@test', 'new')
    await file('juliet', 'romeo@test', 'hers')
    assert.equal(await store.count({ username: 'romeo' }, 1000), 1000)
    assert.equal(await store.removeBefore(1200), 1200)
    assert.deepEqual(await stanzas({ username: 'romeo' }), ['old', 'new'])
    await store.removeUser('romeo')
    assert.deepEqual(await stanzas({ username: 'romeo' }), [])
    assert.deepEqual(await stanzas({ username: 'juliet' }), ['hers'])
  })

  test('numbers go on after a restart, and the key of the ids stays', async (t) => {
    const { place, server, store, file } = await open(t)
    const [first = 0] = await file('romeo', 'juliet@test', 'a')
    const key = await store.idKey()
    assert.equal(key.length, 16)
    await server.close()
    const again = await place.open()
    await again.migrate('mam', tables)
    const reopened = new ArchiveStore(again.forPlugin('mam'))
    assert.deepEqual(await reopened.idKey(), key)
    assert.ok((await reopened.append('romeo', juliet, 'b', nothing, assert.fail)) > first)
    await reopened.whenIdle()
  })

  test('each kind of page walks an index, and never sorts or reads the whole table', { skip: client !== 'sqlite' }, async (t) => {
    const { database, file } = await open(t)
    await file('romeo', 'juliet@test', 'a')
    const plan = async (where: string, order: string) => {
      const rows = (await database.knex.raw(`explain query plan select * from ofMamArchive where ${where} order by ${order} limit 50`)) as {
        detail: string
      }[]
      return rows.map((it) => it.detail).join(' ')
    }
    const keyset = '(sentDate >= 1 and (sentDate > 1 or archiveID > 1))'
    for (const [where, index] of [
      ["username = 'a'", 'user'],
      [`username = 'a' and ${keyset}`, 'user'],
      [`username = 'a' and contact = 1 and withJID = 'b' and ${keyset}`, 'contact'],
      ['sentDate < 5', 'time'],
    ] as const) {
      for (const order of index === 'time' ? ['sentDate'] : ['sentDate asc, archiveID asc', 'sentDate desc, archiveID desc']) {
        const told = await plan(where, order)
        assert.match(told, new RegExp(`SEARCH ofMamArchive USING INDEX ofMamArchive_${index}_idx`))
        assert.doesNotMatch(told, /SCAN|TEMP B-TREE/)
      }
    }
  })
})
