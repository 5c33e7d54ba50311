import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

/** The code block under the line that names its file. */
function blockOf(page: string, file: string): string {
  const found = page.split(`\`${file}\`\n\n\`\`\``)[1]?.split('\n```')[0]
  assert.ok(found !== undefined, `the page shows ${file}`)
  return found.slice(found.indexOf('\n') + 1)
}

test("the chat log plugin of the page fits in 40 lines, and logs each message once when it is handed over, a kept one at the recipient's login", async (t) => {
  const page = await readFile(new URL('from-openfire.md', import.meta.url), 'utf8')
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-from-openfire-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'my-chatlog'))
  for (const file of ['my-chatlog/package.json', 'my-chatlog/index.ts']) await writeFile(join(folder, file), blockOf(page, file))
  assert.ok(blockOf(page, 'my-chatlog/index.ts').split('\n').length < 40)

  const server = await startTestServer(t, { config: { plugins: { folders: [folder], disabled: ['chatlog'] } } })
  const status = server.plugins.find('my-chatlog')
  assert.equal(status?.state, 'running', status?.error)

  const romeo = await server.login('romeo', { resource: 'orchard' })
  const send = (body: string) => romeo.send(`<message to="juliet@test" type="chat"><body>${body}</body></message>`)
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  send('while she is away')
  await romeo.sync()
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await server.login('juliet', { resource: 'chamber' })
  await juliet.receive('message')
  send('to two resources')
  romeo.send('<message to="juliet@test" type="headline"><body>no chat</body></message>')
  await romeo.sync()

  const database = server.database.forPlugin('test')
  // Rows are written in order: when this one is on disk, those before it are.
  const mark = { sessionJID: '', sender: '', receiver: '', createDate: 0, length: 0, content: '', detail: '', state: 0 }
  await database.appender('myChatLog', Object.keys(mark) as (keyof typeof mark)[]).append(mark)
  const rows = await database.knex('myChatLog').where('state', 1).orderBy('messageID').select('sessionJID', 'sender', 'receiver', 'content', 'length')
  const common = { sender: 'romeo@test', receiver: 'juliet@test' }
  assert.deepEqual(
    rows.map(({ sessionJID: _, ...row }) => row as unknown),
    [
      { ...common, content: 'while she is away', length: 17 },
      { ...common, content: 'to two resources', length: 16 },
    ],
  )
  assert.equal(rows[0]?.sessionJID, 'juliet@test/balcony')
})
