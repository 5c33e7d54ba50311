/** What is published: a plugin outside the repository is made with the packed SDK, built, tested and run with it. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import { type OutsideProject, outsideProject } from '../support/outside-project.js'
import { writeRecording } from '../support/recording.js'

/** As the guide says. */
const CREATE = 'npm create beaconfire-plugin hello -- --interceptor'
const TSC = 'node_modules/typescript/bin/tsc'

const WITH_SHIPPED = `
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openfireSequence, recordInterceptor, startTestServer } from '@beaconfire/plugin-sdk/testing'

test('the server of the packages has the plugins it ships', async (t) => {
  const server = await startTestServer(t)
  const states = server.plugins.list().map((it) => [it.name, it.state])
  assert.ok(states.length > 10)
  assert.deepEqual(states.filter(([, state]) => state !== 'running'), [])
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send('<message to="juliet@test" type="chat"><body>Wherefore?</body></message>')
  await juliet.expect('<message from="*" to="*" type="chat"><body>Wherefore?</body></message>', { extras: true })
})

test('the four calls are asserted', async (t) => {
  const recorder = recordInterceptor()
  const server = await startTestServer(t, { plugins: [recorder.plugin], clock: 'virtual' })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'b' })]
  romeo.send('<message to="juliet@test/b"><body>x</body></message>')
  await romeo.sync()
  openfireSequence(recorder).toOnline(romeo, juliet)
})
`

const ILL_TYPED = `
import { definePlugin, element } from '@beaconfire/plugin-sdk'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'

export default definePlugin({
  name: 'ill-typed',
  version: '1.0.0',
  setup: () => ({
    interceptors: [{ name: 'x', band: 'nowhere', interceptPacket: () => void element('x').getChild(1) }],
  }),
})
startTestServer({ after: () => {} }).then((server) => server.sessions.count.toUpperCase())
`

/** @param anchor of a heading; empty: none is asked for */
async function isThere(file: string, anchor = ''): Promise<boolean> {
  if (!existsSync(file)) return false
  if (anchor === '') return true
  const headings = [...(await readFile(file, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, it = '']) => it)
  return headings.some(
    (it) =>
      it
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-') === anchor,
  )
}

test('the sources of a package are not packed as they are', async () => {
  for (const workspace of ['plugin-sdk', 'core']) {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const pack = promisify(execFile)('npm', ['pack', '--dry-run', '--offline', '-w', workspace], { env })
    await assert.rejects(pack, /npm run pack-sdk -- <folder>/)
  }
})

describe('a plugin outside the repository', () => {
  let project: OutsideProject
  const cleanUps: (() => Promise<void>)[] = []
  const plugin = () => join(project.folder, 'hello')

  before(async () => {
    project = await outsideProject({ after: (cleanUp) => cleanUps.push(cleanUp) })
    // What `npm create` does once the package is in a registry; the cache of its own has nothing in it that could help.
    const create = `npm exec --yes --cache=npm-cache --package=${project.createPackage} -- create-beaconfire-plugin`
    await project.shell(`${create} hello --interceptor --iq-handler --admin-route --table --config --console-page`)
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  test('is made by the command of the guide, which tells of itself', async () => {
    assert.ok((await readFile('plugin-sdk/README.md', 'utf8')).includes(`${CREATE}\n`))
    const help = await project.shell(`npm exec --yes --cache=npm-cache --package=${project.createPackage} -- create-beaconfire-plugin --help`)
    assert.match(help, /Usage: npm create beaconfire-plugin -- \[options\] \[name\][\s\S]*--console-page/)
  })

  test('is made as a project that asks for the packages it was made with', async () => {
    const manifest = JSON.parse(await readFile(join(plugin(), 'package.json'), 'utf8')) as Record<string, Record<string, string>>
    const { version } = JSON.parse(await readFile('plugin-sdk/package.json', 'utf8')) as { version: string }
    assert.equal(manifest.peerDependencies?.['@beaconfire/plugin-sdk'], `^${version}`)
    assert.deepEqual(Object.keys(manifest.devDependencies ?? {}), ['@beaconfire/core', '@beaconfire/plugin-sdk', '@types/node', 'tsx', 'typescript'])
    for (const [name, range] of Object.entries(manifest.devDependencies ?? {})) assert.match(range, /^\^\d/, name)
  })

  test('compiles against the packed types, which are types indeed', async () => {
    await project.node([TSC, '-p', 'hello'])
    const file = join(plugin(), 'ill-typed.ts')
    await writeFile(file, ILL_TYPED)
    await assert.rejects(project.node([TSC, '-p', 'hello']), (error: Error) => {
      for (const wrong of [
        /"nowhere"/,
        /Argument of type 'number' is not assignable to parameter of type 'string'/,
        /'toUpperCase' does not exist on type 'number'/,
      ])
        assert.match(error.message, wrong)
      return true
    })
    await rm(file)
  })

  test('passes its test, and tests with the shipped plugins and the rest of the kit', async () => {
    await writeFile(join(plugin(), 'shipped.test.ts'), WITH_SHIPPED)
    const output = await project.node(['--import', 'tsx', '--test', 'hello.test.ts', 'shipped.test.ts'], plugin())
    assert.match(output, /pass 7\b[\s\S]*fail 0/)
  })

  test('may be an example of the SDK, which passes its tests there', async () => {
    const copies = join(project.folder, 'examples')
    await cp(join(project.folder, 'node_modules/@beaconfire/plugin-sdk/examples'), copies, { recursive: true })
    const tests = (await readdir(copies, { recursive: true })).filter((it) => it.endsWith('.test.ts'))
    assert.ok(tests.length >= 5, tests.join())
    // In one process: each of its own would load the server anew.
    await writeFile(join(copies, 'all.test.mjs'), tests.map((it) => `await import('./${it}')\n`).join(''))
    assert.match(await project.node(['--import', 'tsx', '--test', 'all.test.mjs'], copies), /pass [1-9][\s\S]*fail 0/)
  })

  test('is given packages that can be published', async () => {
    for (const name of ['plugin-sdk', 'core']) {
      const manifest = JSON.parse(await readFile(join(project.folder, 'node_modules/@beaconfire', name, 'package.json'), 'utf8')) as object
      assert.deepEqual(
        Object.keys(manifest).filter((it) => ['private', 'scripts', 'devDependencies'].includes(it)),
        [],
      )
    }
  })

  test('finds every page and file that the packed documents lead to', async () => {
    const sdk = join(project.folder, 'node_modules/@beaconfire/plugin-sdk')
    const pages = (await readdir(sdk, { recursive: true })).filter((it) => it.endsWith('.md'))
    for (const wanted of ['README.md', 'examples/README.md', 'docs/plugins-operations.md', 'docs/rehearsal.md'])
      assert.ok(pages.includes(wanted), wanted)
    const dead: string[] = []
    for (const page of pages)
      for (const [, link = '', anchor] of (await readFile(join(sdk, page), 'utf8')).matchAll(/\]\(([^)#\s]*)#?([^)\s]*)\)/g))
        if (!/^[a-z]+:/.test(link) && !(await isThere(link === '' ? join(sdk, page) : join(sdk, dirname(page), link), anchor)))
          dead.push(`${page}: ${link}#${anchor}`)
    assert.deepEqual(dead, [])
  })

  test('runs where its folder is in a plugins folder', async (t) => {
    const server = await startTestServer(t, { config: { plugins: { folders: [project.folder], disabled: ['node_modules', 'npm-cache', 'packed'] } } })
    const status = server.plugins.find('hello')
    assert.equal(status?.state, 'running', status?.error)
  })

  test('runs where it was packed and put, without its tests', async (t) => {
    await mkdir(join(project.folder, 'dropped'))
    await project.shell('cd hello && npm pack --pack-destination ../dropped')
    const server = await startTestServer(t, { config: { plugins: { folders: [join(project.folder, 'dropped')] } } })
    const status = server.plugins.find('hello')
    assert.equal(status?.state, 'running', status?.error)
    const romeo = await server.login('romeo')
    const answer = await romeo.request('<iq type="get" to="test"><query xmlns="urn:example:hello"/></iq>')
    assert.equal(answer.getChildText('query'), 'hello')
    assert.deepEqual((await readdir(status?.folder ?? '')).sort(), ['README.md', 'console', 'hello-store.ts', 'index.ts', 'package.json'])
    assert.match(await (await server.admin('/console/plugins/hello/overview/')).text(), /<h1>hello<\/h1>/)
  })

  test('is rehearsed by the command of the packed server', async () => {
    await writeRecording(join(project.folder, 'recording.jsonl'))
    const command = 'node_modules/.bin/beaconfire rehearse hello --against hello --recording recording.jsonl --no-database --json'
    const report = JSON.parse(await project.shell(command)) as { plugin: string; stanzas: number; differing: number }
    assert.deepEqual([report.plugin, report.stanzas, report.differing], ['hello', 1, 0])
  })

  test('the packed server starts by its own command', async (t) => {
    const env = {
      ...process.env,
      BEACONFIRE_C2S_PORT: '0',
      BEACONFIRE_C2S_DIRECT_TLS_PORT: '-1',
      BEACONFIRE_ADMIN_PORT: '0',
      BEACONFIRE_DATA_FOLDER: join(project.folder, 'data'),
    }
    const child = spawn('node_modules/.bin/beaconfire', { cwd: project.folder, env })
    t.after(() => void child.kill('SIGKILL'))
    let output = ''
    const ready = new Promise<void>((resolve) => {
      const read = (chunk: Buffer) => {
        output += chunk.toString()
        if (/^ready /m.test(output)) resolve()
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
    })
    const ended = once(child, 'exit').then(() => assert.fail(`it ended:\n${output}`))
    await Promise.race([ready, ended])
    ended.catch(() => undefined) // from here on it may
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
})
