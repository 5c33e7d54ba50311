import assert from 'node:assert/strict'
import { createServer, connect as dial, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Migration } from '@beaconfire/plugin-sdk'
import { onMariaDb, temporaryFolder } from '../../test/support/engines.js'
import { loadConfig } from '../config/load-config.js'
import { silentLogger } from '../log.js'
import { openDatabase } from './database.js'
import { ofLastRow } from './stored-together.js'

const tables: Migration = {
  version: 1,
  up: async (_schema, { knex }) => {
    for (const name of ['line', 'other']) {
      await knex.schema.createTable(name, (table) => {
        table.bigInteger('id').primary()
        table.text('body')
      })
    }
  },
}

/** What becomes of a connection that says this: it goes on, ends before the database hears it, or when the database has done it. */
type Fate = 'goes on' | 'unheard' | 'unanswered'

/** Stands between the server and its database. */
async function brittleLine(t: TestContext, target: string, fateOf: (said: string) => Fate): Promise<string> {
  const path = join(await temporaryFolder(t), 'socket')
  const open = new Set<Socket>()
  const listener = createServer((near) => {
    const far = dial(target)
    let fate: Fate = 'goes on'
    const cut = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', cut).on('close', cut)
    }
    near.on('data', (data) => {
      fate = fateOf(data.toString('latin1'))
      if (fate === 'unheard') cut()
      else far.write(data)
    })
    far.on('data', (data) => (fate === 'unanswered' ? cut() : near.write(data)))
  })
  await new Promise<void>((resolve) => void listener.listen(path, resolve))
  t.after(() => {
    for (const socket of open) socket.destroy()
    listener.close()
  })
  return path
}

onMariaDb((_newStore, server) => {
  /** @param fateOf is asked from when the tables are there */
  async function open(t: TestContext, fateOf: (said: string) => Fate) {
    const { socketPath, ...account } = await server().freshDatabase()
    let isReady = false
    const path = await brittleLine(t, socketPath, (said) => (isReady ? fateOf(said) : 'goes on'))
    const { database: config } = loadConfig({ env: {}, overrides: { database: { client: 'mysql', connection: { ...account, socketPath: path } } } })
    const opened = await openDatabase(config, '/nowhere', silentLogger)
    t.after(() => opened.close())
    await opened.migrate('lines', [tables])
    isReady = true
    const database = opened.forPlugin('lines')
    const [line, other] = ['line', 'other'].map((table) => database.appender<{ id: number; body: string }>(table, ['id', 'body']))
    assert.ok(line && other)
    const stored = async (table: string) =>
      (await database.knex(table).orderBy('id')).map((it: { id: number; body: string }) => `${it.id} ${it.body}`)
    return { line, other, stored }
  }

  /** The first time. */
  const once = (fate: Fate, what: RegExp, after = 0) => {
    let left = after + 1
    return (said: string): Fate => (what.test(said) && --left === 0 ? fate : 'goes on')
  }

  for (const fate of ['unheard', 'unanswered'] as const) {
    test(`rows of a transaction whose commit is ${fate}, since the connection is lost, are stored once`, async (t) => {
      const { line, other, stored } = await open(t, once(fate, /COMMIT/))
      await Promise.all([line.append({ id: 1, body: 'a' }), line.append({ id: 2, body: 'b' }), other.append({ id: 3, body: 'c' })])
      assert.deepEqual([await stored('line'), await stored('other')], [['1 a', '2 b'], ['3 c']])
    })

    test(`rows of one statement that is ${fate} are stored once`, async (t) => {
      const { line, stored } = await open(t, once(fate, /insert into/))
      await Promise.all([line.append({ id: 1, body: 'a' }), line.append({ id: 2, body: 'b' })])
      assert.deepEqual(await stored('line'), ['1 a', '2 b'])
    })

    test(`when the connection is lost among rows that go one by one, one of them ${fate}, those that can be are stored and one refused`, async (t) => {
      // the batch, and then its group, are refused before it comes to the rows
      const { line, stored } = await open(t, once(fate, /insert into `line`.*'b'/s, 2))
      await line.append({ id: 4, body: 'taken' })
      const rows = ['a', 'b', 'c', 'd'].map((body, at) => ofLastRow(line.appendTogether({ id: at + 1, body }, () => {})))
      const outcomes = (await Promise.allSettled(rows)).map(({ status }) => status)
      assert.deepEqual(outcomes, ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
      assert.deepEqual(await stored('line'), ['1 a', '2 b', '3 c', '4 taken'])
    })
  }

  test('when the database goes away among rows that go one by one, whose rows are not stored is told', async (t) => {
    let isAway = false
    let tries = 0
    const { line, other, stored } = await open(t, (said) => {
      isAway ||= /insert into `line`.*'b'/s.test(said) && ++tries === 3
      return isAway ? 'unheard' : 'goes on'
    })
    await line.append({ id: 3, body: 'taken' })
    const refused: string[] = []
    const rows = ['a', 'b', 'c'].map((body, at) => ofLastRow(line.appendTogether({ id: at + 1, body }, (_, row) => refused.push(row.body))))
    const late = other.append({ id: 1, body: 'd' })
    const outcomes = (await Promise.allSettled([...rows, late])).map(({ status }) => status)
    assert.deepEqual(outcomes, ['fulfilled', 'rejected', 'rejected', 'rejected'])
    assert.deepEqual(refused, ['b', 'c'])
    isAway = false
    assert.deepEqual([await stored('line'), await stored('other')], [['1 a', '3 taken'], []])
  })
})
