/** Plugins that come, change and go while clients chat: nobody is disconnected, nothing is lost or doubled. */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

interface Seen {
  readonly version: string
  readonly flags: string
  readonly body: string
}

/** Where the dropped-in plugin, which runs in this process, leaves what it saw. */
const seen: Seen[] = []
Object.assign(globalThis, { seenByHello: seen })

const source = (version: string) => `
import { definePlugin } from '@beaconfire/plugin-sdk'
import { note } from './note.js'
export default definePlugin({
  name: 'hello', version: '${version}',
  setup: () => ({
    interceptors: [{ name: 'hello', band: 'observe', when: { stanza: 'message' },
      interceptPacket({ packet, incoming, processed }) { note(packet.body, incoming, processed) } }],
    adminRoutes: [{ method: 'GET', path: '/version', summary: 'Version', handle: () => ({ version: '${version}' }) }],
  }),
})`
const note = (version: string) => `
export const note = (body: string | undefined, incoming: boolean, processed: boolean) =>
  (globalThis as any).seenByHello.push({ version: '${version}', flags: incoming + ' ' + processed, body })`

async function writePlugin(folder: string, version: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name: 'hello', version, type: 'module' }))
  await writeFile(path.join(folder, 'note.ts'), note(version))
  await writeFile(path.join(folder, 'index.ts'), source(version))
}

async function begin(t: TestScope) {
  seen.length = 0
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-plugins-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const server = await startTestServer(t, { config: { plugins: { folders: [folder], watch: true } } })
  return { server, folder, romeo: await server.login('romeo'), juliet: await server.login('juliet') }
}

/** Chats, numbered, until `isDone`; then checks that each message came once and in order. */
async function chatUntil(romeo: TestClient, juliet: TestClient, isDone: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000
  let sent = 0
  do {
    assert.ok(performance.now() < deadline, 'did not happen in time')
    romeo.send(`<message to="juliet@test" type="chat"><body>${sent}</body></message>`)
    assert.equal((await juliet.receive('message')).getChildText('body'), String(sent))
    sent++
  } while (!(await isDone()))
  await romeo.sync()
  await juliet.receiveNothing('message')
}

const stateOf = (server: TestServer) => server.plugins.find('hello')?.state
const versionOf = (server: TestServer) => server.plugins.find('hello')?.version

test('a folder dropped in is called for the next message, changed it runs anew, removed it is gone, and nobody notices', async (t) => {
  const { server, folder, romeo, juliet } = await begin(t)
  const target = path.join(folder, 'hello')
  await writePlugin(target, '1.0.0')
  await chatUntil(romeo, juliet, () => stateOf(server) === 'running')
  seen.length = 0
  romeo.send('<message to="juliet@test" type="chat"><body>flags</body></message>')
  await juliet.receive('message')
  await romeo.sync()
  assert.deepEqual(
    seen.map((it) => it.flags),
    ['true false', 'false false', 'false true', 'true true'],
  )
  assert.equal((await server.admin('/api/v1/plugins/hello/version')).status, 200)

  await writePlugin(target, '2.0.0')
  await chatUntil(romeo, juliet, () => versionOf(server) === '2.0.0')
  seen.length = 0
  await chatUntil(romeo, juliet, () => true)
  assert.deepEqual([...new Set(seen.map((it) => it.version))], ['2.0.0'])
  assert.deepEqual(await (await server.admin('/api/v1/plugins/hello/version')).json(), { version: '2.0.0' })

  await rm(target, { recursive: true })
  await chatUntil(romeo, juliet, () => stateOf(server) !== 'running')
  seen.length = 0
  await chatUntil(romeo, juliet, () => true)
  assert.equal(seen.length, 0)
  assert.equal((await server.admin('/api/v1/plugins/hello/version')).status, 404)
})

test('a version that does not load leaves the one before it serving, and says why', async (t) => {
  const { server, folder, romeo, juliet } = await begin(t)
  const target = path.join(folder, 'hello')
  await writePlugin(target, '1.0.0')
  await chatUntil(romeo, juliet, () => stateOf(server) === 'running')
  await writeFile(path.join(target, 'index.ts'), 'export default definePlugin({ this is no code')
  await chatUntil(romeo, juliet, () => server.plugins.find('hello')?.error !== undefined)
  seen.length = 0
  await chatUntil(romeo, juliet, () => true)
  assert.equal(stateOf(server), 'running')
  assert.equal(versionOf(server), '1.0.0')
  assert.ok(seen.length > 0)
  const shown = (await (await server.admin('/api/v1/plugins/hello')).json()) as { error: string }
  assert.match(shown.error, /hello/)

  await writePlugin(target, '1.0.1')
  await chatUntil(romeo, juliet, () => versionOf(server) === '1.0.1')
  assert.equal(server.plugins.find('hello')?.error, undefined)
})

test('a folder that is moved in whole, as an installer does, is loaded once it is there', async (t) => {
  const { server, folder, romeo, juliet } = await begin(t)
  const prepared = await mkdtemp(path.join(tmpdir(), 'beaconfire-prepared-'))
  t.after(() => rm(prepared, { recursive: true, force: true }))
  await writePlugin(path.join(prepared, 'hello'), '1.0.0')
  await cp(path.join(prepared, 'hello'), path.join(folder, '.hello'), { recursive: true })
  await rename(path.join(folder, '.hello'), path.join(folder, 'hello'))
  await chatUntil(romeo, juliet, () => stateOf(server) === 'running')
})

const faulty: [string, string, RegExp][] = [
  ['throws in setup', `export default definePlugin({ name: 'hello', version: '1.0.0', setup() { throw new Error('no luck') } })`, /no luck/],
  [
    'throws in start',
    `export default definePlugin({ name: 'hello', version: '1.0.0', setup: () => ({ start() { throw new Error('no start') } }) })`,
    /no start/,
  ],
  [
    'requires what is not there',
    `export default definePlugin({ name: 'hello', version: '1.0.0', requires: ['weather' as never], setup: () => ({}) })`,
    /weather/,
  ],
  [
    'has a migration that fails',
    `export default definePlugin({ name: 'hello', version: '1.0.0', tables: [{ version: 1, async up() { throw new Error('no table') } }], setup: () => ({}) })`,
    /no table/,
  ],
  ['bears another name than its folder', `export default definePlugin({ name: 'other', version: '1.0.0', setup: () => ({}) })`, /other/],
]
for (const [what, code, reason] of faulty) {
  test(`a plugin that ${what} is shown as failed with the reason, and the server serves on`, async (t) => {
    const { server, folder, romeo, juliet } = await begin(t)
    const target = path.join(folder, 'hello')
    await mkdir(target)
    await writeFile(path.join(target, 'package.json'), JSON.stringify({ name: 'hello', version: '1.0.0', type: 'module' }))
    await writeFile(path.join(target, 'index.ts'), `import { definePlugin } from '@beaconfire/plugin-sdk'\n${code}`)
    await chatUntil(romeo, juliet, () => stateOf(server) === 'failed')
    assert.match(server.plugins.find('hello')?.error ?? '', reason)
  })
}
