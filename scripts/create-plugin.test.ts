import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestServer, type TestServer } from '@beaconfire/plugin-sdk/testing'
import { pluginFiles } from './create-plugin/plugin-files.js'
import { type PluginShape, ShapeRefused, shapeOf } from './create-plugin/plugin-shape.js'
import { writePlugin } from './create-plugin/write-plugin.js'
import { surroundingsIn } from './create-plugin.js'

const ROOT = resolve(fileURLToPath(import.meta.url), '../..')
const SCRIPT = join(ROOT, 'scripts/create-plugin.ts')
const { NODE_TEST_CONTEXT: _, ...env } = process.env

const ALL = { interceptor: true, iqHandler: true, adminRoute: true, table: true, config: true, consolePage: true }
/** Plugins by name, and what they were asked to have. */
const PARTS = {
  plain: {},
  'answers-iq': { iqHandler: true },
  'has-route': { adminRoute: true },
  'has-page': { consolePage: true },
  'keeps-rows': { table: true },
  'is-configured': { config: true, iqHandler: true },
  'has-all': ALL,
  'has-the-longest-name-of-them-all': ALL,
}

function createPlugin(shape: PluginShape, into: string) {
  const { checkName, placeOf } = surroundingsIn(into)
  checkName(shape.name)
  return writePlugin(shape, into, placeOf(into))
}

/** Runs a program of the repository with this Node. */
function node(args: readonly string[], cwd = ROOT, more: NodeJS.ProcessEnv = {}) {
  return promisify(execFile)(process.execPath, args, { cwd, env: { ...env, ...more } }).catch((error: Error & { stdout: string }) => {
    error.message += error.stdout // compilers say there what is wrong
    throw error
  })
}

describe('plugins with every kind of contribution', () => {
  let folder = ''
  let server: TestServer
  const cleanUps: (() => Promise<void>)[] = []

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'beaconfire-created-')))
    for (const [name, wanted] of Object.entries(PARTS)) await createPlugin(shapeOf(name, wanted), folder)
    const config = { plugins: { folders: [folder], settings: { 'is-configured': { label: 'mine' } } } }
    server = await startTestServer({ after: (cleanUp) => cleanUps.push(cleanUp) }, { config })
  })

  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
    await rm(folder, { recursive: true, force: true })
  })

  test('run as soon as a server finds their folders', async () => {
    const states = new Map(server.plugins.list().map((it) => [it.name, it.state]))
    for (const name of await readdir(folder)) assert.equal(states.get(name), 'running', name)
  })

  test('see a message, and keep it where they have a table', async () => {
    const romeo = await server.login('romeo')
    romeo.send('<message to="romeo@test" type="chat"><body>Wherefore?</body></message>')
    await romeo.sync()
    const metrics = await (await server.admin('/metrics')).text()
    for (const name of ['plain', 'keeps_rows', 'has_all']) assert.match(metrics, new RegExp(`^beaconfire_${name}_messages_total 1$`, 'm'))
    const { knex } = server.database.forPlugin('test')
    for (const table of ['keeps_rows_messages', 'has_all_messages']) {
      await written(table)
      assert.deepEqual(await knex(table).select('sender', 'body'), [{ sender: 'romeo@test', body: 'Wherefore?' }])
    }
  })

  /** Rows are written in order: when this one is on disk, those before it are. */
  async function written(table: string): Promise<void> {
    const database = server.database.forPlugin('test')
    await database.appender(table, ['sentAt', 'sender', 'body']).append({ sentAt: 0, sender: 'test', body: '' })
    await database.knex(table).where('sender', 'test').delete()
  }

  test('answer iq requests, with what is configured', async () => {
    const juliet = await server.login('juliet')
    for (const [name, label] of Object.entries({ 'answers-iq': 'answers-iq', 'is-configured': 'mine', 'has-all': 'has-all' })) {
      const answer = await juliet.request(`<iq type="get" to="test"><query xmlns="urn:example:${name}"/></iq>`)
      assert.equal(answer.getChildText('query'), label)
    }
  })

  test('have their routes in the admin API', async () => {
    const status = async (name: string): Promise<unknown> => (await server.admin(`/api/v1/plugins/${name}/status`)).json()
    assert.deepEqual(await status('has-route'), { label: 'has-route' })
    assert.deepEqual(Object.keys((await status('has-all')) as object), ['label', 'messages'])
  })

  test('have their pages in the console', async () => {
    const list = await (await server.admin('/console/')).text()
    for (const name of ['has-page', 'has-all']) {
      const address = `/console/plugins/${name}/overview/`
      assert.ok(list.includes(`<a href="${address}">${name}</a>`), name)
      assert.match(await (await server.admin(address)).text(), new RegExp(`<h1>${name}</h1>`))
    }
  })

  test('compile under the strict options of the repository, with their own too, and are formatted as it is', async () => {
    const { compilerOptions } = JSON.parse(await readFile(join(ROOT, 'tsconfig.json'), 'utf8')) as { compilerOptions: object }
    const include = ['*/*.ts', join(ROOT, 'core/**/*.d.ts')]
    const options = { extends: './has-all/tsconfig.json', compilerOptions: { ...compilerOptions, types: undefined }, include }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options))
    const biome = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8')) as Record<string, unknown>
    await writeFile(
      join(folder, 'biome.json'),
      JSON.stringify({ ...biome, $schema: undefined, vcs: undefined, files: { includes: ['*/*.ts', '*/console/*'] } }),
    )
    await node([join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', folder])
    await node([join(ROOT, 'node_modules/@biomejs/biome/bin/biome'), 'check', ...Object.keys(PARTS)], folder)
  })

  test('pass the tests they come with, where nothing is installed', async () => {
    const run = async (name: string) => {
      const { scripts } = JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8')) as { scripts: { test: string } }
      const [program, ...args] = scripts.test.split(' ')
      assert.equal(program, 'node')
      return (await node(args, join(folder, name))).stdout
    }
    const [all, page, rows] = await Promise.all([run('has-all'), run('has-page'), run('keeps-rows')])
    assert.match(all, /pass 5\b[\s\S]*fail 0/)
    assert.match(page, /pass 1\b[\s\S]*fail 0/)
    assert.match(rows, /pass 2\b[\s\S]*fail 0/)
  })
})

describe('the command', () => {
  test('writes an interceptor where nothing is asked for, and says what to do next and what else there is', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'beaconfire-created-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const create = () => node(['--import', 'tsx', SCRIPT, 'hello', '--into', 'here'], ROOT, { INIT_CWD: folder })
    const { stdout } = await create()
    assert.match(stdout, /cd here\/hello && npm test[\s\S]*--iq-handler/)
    assert.deepEqual((await readdir(join(folder, 'here/hello'))).sort(), ['README.md', 'hello.test.ts', 'index.ts', 'package.json', 'tsconfig.json'])
    await assert.rejects(create, ({ stderr }: { stderr: string }) => {
      assert.match(stderr, /^create-plugin: ".*hello" exists already: choose another name, or remove that folder first\n$/)
      return true
    })
  })

  test('refuses a name that is not in kebab-case, with one that is; and that of a plugin the server ships', async () => {
    assert.throws(() => shapeOf('MyPlugin 2', {}), /letters, digits and single hyphens.*"my-plugin-2"/)
    for (const name of ['', '../x', 'a--b', '1st', '-a', 'x'.repeat(33)]) assert.throws(() => shapeOf(name, {}), ShapeRefused, name)
    const unused = join(tmpdir(), 'beaconfire-never-made')
    assert.throws(() => createPlugin(shapeOf('chatlog', {}), unused), /ships a plugin "chatlog"/)
  })

  test('writes a workspace of the repository where it writes into its plugins', () => {
    const files = pluginFiles(shapeOf('hello', {}), surroundingsIn(ROOT).placeOf(join(ROOT, 'plugins')))
    assert.ok(!files.has('tsconfig.json'))
    assert.equal((JSON.parse(files.get('package.json') ?? '') as { name: string }).name, '@beaconfire/plugin-hello')
  })
})
