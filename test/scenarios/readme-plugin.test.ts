/** What the plugin guide promises: the plugin on its first page, dropped into a running server. */
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestClient } from '@beaconfire/plugin-sdk/testing'
import { type ServerProcess, startServerProcess } from '../support/server-process.js'

/** The code block that follows a file's name in the guide. */
async function fromGuide(file: string): Promise<string> {
  const guide = await readFile(new URL('../../plugin-sdk/README.md', import.meta.url), 'utf8')
  const [, code] = guide.slice(guide.indexOf(`\`${file}\``)).split(/```\w*\n/)
  assert.ok(code, `${file} is not in the guide`)
  return code
}

async function logIn(server: ServerProcess, name: string): Promise<TestClient> {
  await server.createUsers(name)
  const client = await server.login(name, name)
  client.send('<presence/>')
  await client.sync()
  return client
}

/** Loading and unloading is seen in the admin API; the rescan says that the folder was looked through. */
async function rescan(server: ServerProcess): Promise<string | undefined> {
  const answer = await server.admin('/api/v1/plugins/rescan', { method: 'POST' })
  assert.equal(answer.status, 200, await answer.clone().text())
  const plugins = (await (await server.admin('/api/v1/plugins')).json()) as { items: { name: string; state: string; error?: string }[] }
  const shout = plugins.items.find((it) => it.name === 'shout')
  return shout && `${shout.state}${shout.error ? `: ${shout.error}` : ''}`
}

test('the plugin of the guide is loaded from its folder, sees the four crossings of a message, and goes with its folder', async (t) => {
  const server = await startServerProcess(t)
  const [romeo, juliet] = [await logIn(server, 'romeo'), await logIn(server, 'juliet')]
  const folder = join(server.folder, 'plugins', 'shout')
  await mkdir(folder, { recursive: true })
  for (const file of ['package.json', 'index.ts']) await writeFile(join(folder, file), await fromGuide(`plugins/shout/${file}`))
  assert.equal(await rescan(server), 'running')

  romeo.send('<message to="juliet@localhost" type="chat" id="m1"><body>Wherefore?</body></message>')
  await juliet.receive('message')
  await romeo.sync()
  const seen = server.log
    .split('\n')
    .filter((line) => line.includes('a message passes'))
    .map((line) => JSON.parse(line) as { plugin: string; jid: string; incoming: boolean; processed: boolean; stanzaId: string })
  assert.deepEqual(
    seen.map((it) => [it.jid, it.incoming, it.processed, it.stanzaId]),
    [
      ['romeo@localhost/romeo', true, false, 'm1'],
      ['juliet@localhost/juliet', false, false, 'm1'],
      ['juliet@localhost/juliet', false, true, 'm1'],
      ['romeo@localhost/romeo', true, true, 'm1'],
    ],
  )

  await rm(folder, { recursive: true })
  assert.equal(await rescan(server), undefined)
  await romeo.sync()
  await juliet.sync()
})
