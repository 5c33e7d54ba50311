import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Database, Jid } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '@beaconfire/plugin-sdk/testing'
import { openDatabase, type ServerDatabase } from '../../core/database/database.js'
import { createLogger } from '../../core/log.js'
import { readPage } from './chat-log-pages.js'
import { ChatLogStore, type Order, type Position, type Selection } from './chat-log-store.js'
import { type ChatLogRow, tables } from './chat-log-tables.js'
import { exportedLog } from './export.js'
import { conversationColumn, jidColumn } from './jid-column.js'

const refused = (error: unknown) => {
  throw error
}

type DatabaseConfig = Parameters<typeof openDatabase>[0]

const [romeo, juliet, nurse, room] = ['romeo@test', 'juliet@test', 'nurse@test', 'verona@rooms.test'] as const
const log = createLogger({ level: 'silent', format: 'json' })

onBothEngines((newDatabase) => {
  describe('the chat log', () => {
    let server: ServerDatabase
    let database: Database
    let store: ChatLogStore

    before(async () => {
      server = await openDatabase({ client: 'sqlite', filename: ':memory:', ...(await newDatabase()) } as DatabaseConfig, '.', log, 'fast')
      await server.migrate('chatlog', tables)
      database = server.forPlugin('chatlog')
      store = new ChatLogStore(database)
      for (let i = 0; i < 30; i++) {
        void store.append(row(romeo, juliet, 1000 + i, `to Juliet ${i}`), refused)
        void store.append(row(juliet, romeo, 1000 + i, `to Romeo ${i}`), refused)
        void store.append(row(nurse, juliet, 1000 + i, `Madam! ${i}`), refused)
      }
      void store.append(row(romeo, romeo, 2000, 'Can I go forward when my heart is here?'), refused)
      void store.append({ ...row(romeo, room, 3000, 'Good morrow, all'), type: 'groupchat', conversation: conversationColumn(room) }, refused)
      void store.append({ ...row(juliet, room, 3001, 'GÖTTERDÄMMERUNG 😀'), type: 'groupchat', conversation: conversationColumn(room) }, refused)
      await store.whenIdle()
    })
    after(() => server.close())

    async function pages(selection: Selection, order: Order, limit: number, text?: string): Promise<ChatLogRow[]> {
      const all: ChatLogRow[] = []
      let after: Position | undefined
      do {
        const page = await readPage(store, { selection, order, limit, after, text })
        assert.ok(page.rows.length <= limit)
        all.push(...page.rows)
        after = page.next
      } while (after)
      return all
    }

    test('pages bring every row once and in order, whichever way and whatever the page size', async () => {
      const expected: [Selection, number][] = [
        [{}, 93],
        [{ user: romeo }, 62],
        [{ user: juliet }, 91],
        [{ user: romeo, with: juliet }, 60],
        [{ user: romeo, with: romeo }, 1],
        [{ user: nurse, with: romeo }, 0],
        [{ room }, 2],
        [{ room, user: romeo }, 1],
        [{ user: romeo, from: 1010, to: 1020 }, 20],
      ]
      for (const [selection, count] of expected) {
        const name = JSON.stringify(selection)
        const oldest = await pages(selection, 'oldest', 7)
        assert.equal(oldest.length, count, name)
        assert.equal(new Set(oldest.map((it) => it.messageID)).size, count, name)
        const inOrder = oldest.toSorted((a, b) => a.createDate - b.createDate || a.messageID - b.messageID)
        assert.deepEqual(oldest, inOrder, name)
        assert.deepEqual((await pages(selection, 'newest', 1)).toReversed(), oldest, name)
        assert.equal(await store.count(selection), count, name)
      }
    })

    test('a row comes back as it was written', async () => {
      const [found] = await store.read({ room, user: juliet }, 'newest', undefined, 1)
      assert.ok(found)
      const { messageID, ...rest } = found
      assert.deepEqual(rest, { ...row(juliet, room, 3001, 'GÖTTERDÄMMERUNG 😀'), type: 'groupchat', conversation: conversationColumn(room) })
      assert.deepEqual(await store.find(messageID), found)
      assert.equal(await store.find(messageID + 1_000_000), undefined)
    })

    test('a search finds parts of bodies in any case, and takes wildcards of SQL for letters', async () => {
      const count = async (selection: Selection, text: string) => (await pages(selection, 'newest', 4, text)).length
      assert.equal(await count({ user: juliet }, 'götterdämmerung 😀'), 1)
      assert.equal(await count({ user: juliet }, 'to romeo 1'), 11)
      assert.equal(await count({ user: romeo }, 'madam'), 0)
      assert.equal(await count({}, '%'), 0)
      assert.equal(await count({}, '_'), 0)
    })

    test('no query sorts or walks the whole table', async () => {
      const { knex } = database
      const statements: { sql: string; bindings: readonly unknown[] }[] = []
      const note = (query: { sql: string; bindings: readonly unknown[] }) => void statements.push(query)
      knex.on('query', note)
      const after = { createDate: 1015, messageID: 40 }
      for (const selection of [{}, { user: romeo }, { user: romeo, with: juliet }, { room }, { user: romeo, from: 1001, to: 1025 }]) {
        for (const order of ['newest', 'oldest'] as const) await store.read(selection, order, after, 10)
      }
      knex.removeListener('query', note)
      assert.equal(statements.length, 14)
      for (const { sql, bindings } of statements) {
        const explain = database.client === 'sqlite' ? 'explain query plan ' : 'explain '
        const answer: unknown[] = await knex.raw(explain + sql, bindings as never)
        const plan = JSON.stringify(database.client === 'sqlite' ? answer : answer[0])
        assert.match(plan, /ofChatLog_(time|sender|receiver|conv)_idx/, sql)
        assert.doesNotMatch(plan, /TEMP B-TREE|filesort|SCAN ofChatLog"/i, sql)
      }
    })

    test('an export is the same rows, as JSON lines and as CSV', async () => {
      const read = async (format: 'jsonl' | 'csv') =>
        (await exportedLog(store, { format, selection: { user: romeo }, text: undefined, order: 'oldest' }).stream.toArray()).map(String).join('')
      const lines = (await read('jsonl')).trimEnd().split('\n')
      assert.deepEqual(
        lines.map((it) => (JSON.parse(it) as ChatLogRow).messageID),
        (await pages({ user: romeo }, 'oldest', 100)).map((it) => it.messageID),
      )
      const csv = (await read('csv')).trimEnd().split('\r\n')
      assert.equal(csv[0], 'messageID,sentAt,sender,receiver,sessionJID,type,length,content,detail')
      assert.equal(csv.length, 63)
    })

    test('deletion by age takes what is older, all of it, and nothing else', async () => {
      for (let i = 0; i < 1200; i++) void store.append(row(nurse, romeo, 10, 'old'), refused)
      await store.whenIdle()
      assert.equal(await store.deleteBefore(1000), 1200)
      assert.equal(await store.deleteBefore(1000), 0)
      assert.equal(await store.count({}), 93)
    })

    test('an address too long for the column is cut to one that is still its own', async () => {
      const long = Jid.parse(`${'a'.repeat(400)}@test/home`)
      const other = Jid.parse(`${'a'.repeat(401)}@test/home`)
      await store.append(row(jidColumn(long), romeo, 5000, 'long'), refused)
      const [found] = await store.read({ user: jidColumn(long), with: romeo }, 'newest', undefined, 5)
      assert.equal(found?.content, 'long')
      assert.notEqual(jidColumn(long), jidColumn(other))
      assert.equal((await store.read({ user: jidColumn(other) }, 'newest', undefined, 5)).length, 0)
    })

    test('a table of the same name that is not ours is left alone', async () => {
      const strange = await openDatabase({ client: 'sqlite', filename: ':memory:', ...(await newDatabase()) } as DatabaseConfig, '.', log, 'fast')
      try {
        await strange.forPlugin('x').knex.schema.createTable('ofChatLog', (t) => t.integer('messageId'))
        await assert.rejects(strange.migrate('chatlog', tables), /another program/)
      } finally {
        await strange.close()
      }
    })

    test('a migration that was interrupted is finished by the next', async () => {
      const { knex } = database
      await knex('ofVersion').where({ name: 'chatlog' }).delete()
      await knex.schema.alterTable('ofChatLog', (t) => t.dropIndex([], 'ofChatLog_conv_idx'))
      if (database.client === 'sqlite') return // its changes of tables are undone with the transaction
      await server.migrate('chatlog', tables)
      assert.equal((await store.read({ user: romeo, with: juliet }, 'newest', undefined, 100)).length, 60)
    })
  })
})

function row(sender: string, receiver: string, createDate: number, content: string): Omit<ChatLogRow, 'messageID'> {
  const detail = `<message from="${sender}/home" to="${receiver}"><body>${content}</body></message>`
  const sessionJID = `${receiver}/home`
  const conversation = conversationColumn(sender, receiver)
  return { sessionJID, sender, receiver, createDate, length: content.length, content, detail, state: 1, type: 'chat', conversation }
}
