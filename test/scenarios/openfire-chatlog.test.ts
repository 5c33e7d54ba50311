/** The archive of Openfire's monitoring plugin as auditors meet it: by HTTP, on a server that is started on such a database. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import chatlog from '../../plugins/chatlog/index.js'
import { archive, createArchive, ROOM, START, turn } from '../support/openfire-archive-rows.js'
import { type OpenfireStore, onMariaDbOpenfire, sqliteOpenfire } from '../support/openfire-store.js'

interface Page {
  readonly items: {
    readonly messageID: number
    readonly content: string
    readonly sender: string
    readonly receiver: string
    readonly state: number
  }[]
  readonly nextCursor?: string
  readonly total?: number
}

/** Nine messages of romeo and juliet, one a second, and one in a room; then eight of one instant, most of which have no id. */
async function filled(store: OpenfireStore): Promise<void> {
  await createArchive(store, { ofTwo: 9, inRoom: 1 })
  for (let id = 1; id <= 9; id++) {
    await archive(store, { messageID: id, ...turn(id, 'romeo@test', 'juliet@test'), seconds: id, body: `message ${id}` })
  }
  await archive(store, { messageID: 10, from: 'romeo@test', to: ROOM, seconds: 10, body: 'to the room', conversationID: 2 })
  const late = { seconds: 20, conversationID: 99 }
  for (let count = 1; count <= 6; count++) {
    await archive(store, { messageID: null, ...turn(count, 'paris@test', 'nurse@test'), ...late, body: `old ${count}` })
  }
  for (const id of [11, 12]) await archive(store, { messageID: id, from: 'paris@test', to: 'nurse@test', ...late, body: `new ${id}` })
}

function declare(newStore: (t: TestContext) => Promise<OpenfireStore>, engine: string): void {
  async function start(t: TestContext) {
    const store = await newStore(t)
    await filled(store)
    const server = await startTestServer(t, { plugins: [chatlog], database: store.config as NonNullable<OpenfireStore['config']> })
    const get = (query: string, path = '/chatlogs') => server.admin(`/api/v1${path}?source=openfire&${query}`)
    const list = async (query: string): Promise<Page> => {
      const answer = await get(query)
      assert.equal(answer.status, 200, query)
      return (await answer.json()) as Page
    }
    return { get, list }
  }

  test(`the archive is asked by every filter, and its pages hold each message once, those of one instant without ids too (${engine})`, async (t) => {
    const { get, list } = await start(t)
    const ids = async (query: string) => (await list(query)).items.map((it) => it.messageID)
    assert.deepEqual(await ids('user=juliet'), [9, 8, 7, 6, 5, 4, 3, 2, 1])
    assert.deepEqual(await ids('user=romeo&with=juliet@test&order=oldest&limit=3'), [1, 2, 3])
    assert.deepEqual(await ids(`user=romeo&from=${START + 4000}&to=${new Date(START + 7000).toISOString()}`), [6, 5, 4])
    assert.deepEqual(await ids(`room=${ROOM}`), [10])
    assert.deepEqual(await ids('user=juliet&text=MESSAGE%208'), [8])
    assert.deepEqual(await ids('user=mercutio'), [])
    assert.equal((await list('total=true&limit=1')).total, 18)
    const [first] = (await list('user=juliet&order=oldest&limit=1')).items
    assert.deepEqual([first?.sender, first?.receiver, first?.content, first?.state], ['romeo@test', 'juliet@test', 'message 1', 0])
    assert.equal((await get('limit=0')).status, 400)
    assert.equal((await get(`at=${START + 3000}`, '/chatlogs/3')).status, 200)
    assert.equal((await get(`at=${START}`, '/chatlogs/3')).status, 404)
    const lines = (await (await get('format=jsonl', '/chatlogs/export')).text()).trim().split('\n')
    assert.equal(lines.length, 18)

    for (const order of ['newest', 'oldest']) {
      for (const filter of ['', 'user=paris', 'user=paris&with=nurse', 'text=o']) {
        const whole = (await list(`${filter}&order=${order}&limit=100`)).items.map((it) => it.content)
        assert.equal(whole.filter((it) => it.startsWith('old')).length, 6)
        for (const limit of [1, 3, 5]) {
          assert.deepEqual(await pages(list, `${filter}&order=${order}&limit=${limit}`), whole, `${filter} ${order} ${limit}`)
        }
      }
    }
  })
}

async function pages(list: (query: string) => Promise<Page>, query: string): Promise<string[]> {
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { items, nextCursor } = await list(`${query}${cursor}`)
    seen.push(...items.map((it) => it.content))
    if (nextCursor === undefined) return seen
    cursor = `&cursor=${nextCursor}`
  }
}

declare((t) => sqliteOpenfire(t, { version: 40 }), 'SQLite')
onMariaDbOpenfire((newOpenfire) => declare(newOpenfire, 'MariaDB'))
