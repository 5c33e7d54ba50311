/** A row that the database refuses among others that it takes: its sender is told, and nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines, startTestServer, type TestServer } from '@beaconfire/plugin-sdk/testing'
import chatlog from '../../plugins/chatlog/index.js'
import deliveryJournal from '../../plugins/delivery-journal/index.js'
import mam from '../../plugins/mam/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'
import stanzaIds from '../../plugins/stanza-ids/index.js'

const BAD = 'what the table cannot hold'
const chat = (id: number, body: string) => `<message to="juliet@test" type="chat" id="${id}"><body>${body}</body></message>`

/** Rows with these words are refused, as a column or a constraint might. */
async function refuseIn(server: TestServer, table: string, column: string): Promise<void> {
  const { knex, client } = server.database.forPlugin('test')
  const isBad = `new.${column} like '%${BAD}%'`
  await knex.raw(
    client === 'sqlite'
      ? `create trigger refuse before insert on ${table} when ${isBad} begin select raise(abort, 'no such row here'); end`
      : `create trigger refuse before insert on ${table} for each row if ${isBad} then signal sqlstate '45000' set message_text = 'no such row here'; end if`,
  )
}

onBothEngines((newDatabase) => {
  for (const [table, column] of [
    ['ofMamArchive', 'stanza'],
    ['ofChatLog', 'content'],
  ] as const) {
    test(`a message that ${table} refuses is an error for its sender alone, though its transaction stored others`, async (t) => {
      const server = await startTestServer(t, {
        plugins: [roster, presence, stanzaIds, mam, chatlog, deliveryJournal],
        database: await newDatabase(),
        config: { plugins: { settings: { chatlog: { onError: 'closed' } } } },
      })
      const [romeo, mercutio] = [await server.login('romeo'), await server.login('mercutio')]
      const juliet = await server.login('juliet')
      await refuseIn(server, table, column)
      romeo.send(Array.from({ length: 20 }, (_, id) => chat(id, id === 7 ? BAD : 'fine')).join(''))
      mercutio.send(chat(100, 'fine, too'))
      const error = await romeo.receive((el) => el.attrs.type === 'error')
      assert.equal(error.attrs.id, '7')
      await romeo.receiveNothing('message')
      await mercutio.receiveNothing('message')
      for (let count = 0; count < 21; count++) await juliet.receive('message') // it had been handed over by then
      const rows: Record<string, string>[] = await server.database.forPlugin('test').knex(table).select(column)
      assert.equal(rows.length, table === 'ofChatLog' ? 20 : 40)
      assert.ok(rows.every((row) => !row[column]?.includes(BAD)))
    })
  }
})
