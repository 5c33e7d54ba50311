/** A database that does not take what it is given: acknowledgements are held or errors say `wait`, and all goes on by itself. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Element, element, NS } from '@beaconfire/plugin-sdk'
import { startMariaDb, startTestServer, type TestClient, type TestServer } from '@beaconfire/plugin-sdk/testing'
import { SqliteDriver } from '../../core/database/sqlite-driver.mjs'

const SM = NS.streamManagement
const chat = (to: string, body: string) => element('message', { to, type: 'chat', id: body }, element('body', {}, body))
const isAck = (el: Element) => el.is('a', SM)

async function enable(client: TestClient): Promise<void> {
  client.send(element('enable', { xmlns: SM, resume: 'true' }))
  await client.receive((el) => el.is('enabled', SM))
}

/** Asks for an acknowledgement. @returns the count of the first answer */
async function handled(client: TestClient): Promise<number> {
  client.send(element('r', { xmlns: SM }))
  return Number((await client.receive(isAck)).attrs.h)
}

async function actors(server: TestServer): Promise<[romeo: TestClient, juliet: TestClient]> {
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
  for (const client of [romeo, juliet]) await enable(client)
  // The mailbox of the absent one is known from now on.
  romeo.send(chat('nurse@test', 'first'))
  while ((await handled(romeo)) < 1);
  return [romeo, juliet]
}

test('while another process has locked the SQLite file messages are delivered, and acknowledged once they are on disk', async (t) => {
  const server = await startTestServer(t)
  const [romeo, juliet] = await actors(server)
  const other = new SqliteDriver(join(server.dataFolder, 'beaconfire.sqlite'))
  t.after(() => void other.close())
  other.exec('BEGIN IMMEDIATE')
  romeo.send(chat('juliet@test/balcony', 'live'))
  romeo.send(chat('nurse@test', 'kept'))
  assert.equal((await juliet.receive('message')).getChildText('body'), 'live')
  assert.equal(await handled(romeo), 1, 'neither is on disk')
  other.exec('ROLLBACK')
  while (Number((await romeo.receive(isAck)).attrs.h) < 3);
  await romeo.receiveNothing('message')
  const nurse = await server.login('nurse')
  for (const body of ['first', 'kept']) assert.equal((await nurse.receive('message')).getChildText('body'), body)
})

test('while MariaDB is away what cannot be kept is answered with an error of type wait, and what was delivered is acknowledged when it is back', async (t) => {
  const mariaDb = await startMariaDb({ after: (cleanUp) => t.after(cleanUp), skip: (reason) => t.skip(reason) })
  if (!mariaDb) return
  const server = await startTestServer(t, {
    database: { client: 'mysql', connection: mariaDb.connection },
    config: { plugins: { disabled: ['chatlog', 'mam'] } }, // what cannot be logged is refused
  })
  const [romeo, juliet] = await actors(server)
  await mariaDb.stop()
  romeo.send(chat('juliet@test/balcony', 'live'))
  romeo.send(chat('nurse@test', 'lost'))
  assert.equal((await juliet.receive('message')).getChildText('body'), 'live')
  const error = await romeo.receive('message')
  assert.deepEqual([error.attrs.type, error.attrs.id, error.getChild('error')?.attrs.type], ['error', 'lost', 'wait'])
  assert.equal(await handled(romeo), 1, 'the one that was delivered is not on disk')
  await mariaDb.restart()
  while (Number((await romeo.receive(isAck)).attrs.h) < 3);
  romeo.send(chat('nurse@test', 'second'))
  while ((await handled(romeo)) < 4);
  const nurse = await server.login('nurse')
  for (const body of ['first', 'second']) assert.equal((await nurse.receive('message')).getChildText('body'), body)
})
