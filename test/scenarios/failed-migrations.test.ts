/** A new version of a plugin that changed its tables and then did not start. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

const CREATE = `{ version: 1, up: (schema) => schema.createTable('notes', (t) => { t.integer('id').primary() }) }`
const ADD = `version: 2, up: (schema) => schema.alterTable('notes', (t) => { t.integer('colour') })`
const TAKE = `down: (schema) => schema.alterTable('notes', (t) => { t.dropColumn('colour') })`

const notes = (version: string, tables: string, more = '') => `
import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'notes', version: '${version}', provides: ['notes' as never], tables: [${tables}],
  setup: () => ({ services: { notes: {} } as never, ${more} }) })`
const reader = `
import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'reader', version: '1.0.0', requires: ['notes' as never],
  tables: [{ version: 1, up: (schema) => schema.createTable('readings', (t) => { t.integer('id').primary() }) }], setup: () => ({}) })`

const OLD = notes('1.0.0', CREATE)
const SICK = `start() { throw new Error('no luck') },`

async function notesServer(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-migrations-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (name: string, source: string) => {
    await mkdir(path.join(folder, name), { recursive: true })
    await writeFile(path.join(folder, name, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module' }))
    await writeFile(path.join(folder, name, 'index.ts'), source)
  }
  await write('notes', OLD)
  await write('reader', reader)
  const database = { client: 'sqlite', filename: path.join(folder, 'database.sqlite') } as const
  const start = () => startTestServer(t, { database, config: { plugins: { folders: [folder] } } })
  return { write, start }
}

interface Shown {
  readonly version: string
  readonly state: string
  readonly error?: string
  readonly warning?: string
}

test('what it did to the tables is taken back, and the version before starts again, now and with the server', async (t) => {
  const { write, start } = await notesServer(t)
  const server = await start()
  await write('notes', notes('2.0.0', `${CREATE}, { ${ADD}, ${TAKE} }`, SICK))
  await assert.rejects(server.plugins.reload('notes'), /start\(\) failed: no luck$/)
  assert.equal(server.plugins.find('notes')?.version, '1.0.0')
  await write('notes', OLD)
  await server.plugins.reload('notes')
  assert.equal(server.plugins.find('notes')?.warning, undefined)
  await server.stop()
  const next = await start()
  assert.equal(next.plugins.find('notes')?.state, 'running')
})

test('without a down it is said that the tables stay, the version before may be restarted, and a mended one goes on from there', async (t) => {
  const { write, start } = await notesServer(t)
  const server = await start()
  const shown = async () => (await (await server.admin('/api/v1/plugins/notes')).json()) as Shown
  const twoSteps = `${CREATE}, { ${ADD} }`
  await write('notes', notes('2.0.0', twoSteps, SICK))
  await assert.rejects(server.plugins.reload('notes'))
  const failed = await shown()
  assert.deepEqual([failed.version, failed.state], ['1.0.0', 'running'])
  assert.match(failed.error ?? '', /start\(\) failed: no luck; the tables of notes stay at version 2, since migration 2 has no down/)

  await write('notes', OLD)
  await server.plugins.reload('notes')
  const restarted = await shown()
  assert.deepEqual([restarted.version, restarted.state, restarted.error], ['1.0.0', 'running', undefined])
  assert.match(restarted.warning ?? '', /its tables are of version 2, and this version knows them up to 1/)
  assert.equal(server.plugins.find('reader')?.state, 'running')

  await write('notes', notes('2.0.1', twoSteps))
  await server.plugins.reload('notes')
  const mended = await shown()
  assert.deepEqual([mended.version, mended.error, mended.warning], ['2.0.1', undefined, undefined])
})
