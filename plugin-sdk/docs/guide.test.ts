import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compilerOptions } from '../../scripts/create-plugin/manifest.js'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
const { NODE_TEST_CONTEXT: _, ...env } = process.env

/** The first code block of the guide that has this in it. */
function blockWith(guide: string, text: string): string {
  const block = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code).find((code) => code.includes(text))
  assert.ok(block, `the guide has no code with ${text}`)
  return block
}

/** Of three messages the one is counted that was sent while he was watched, across a reload. */
const someUsers = `
  const server = await startTestServer(t, { plugins: [watch] })
  const romeo = await server.login('romeo')
  const say = async () => {
    romeo.send('<message to="' + romeo.jid + '" type="headline"><body>x</body></message>')
    await romeo.sync()
    return /^beaconfire_watch_seen_total (\\d+)$/m.exec(await (await server.admin('/metrics')).text())?.[1]
  }
  const put = (method: string) => server.admin('/api/v1/plugins/watch/users/romeo', { method })
  assert.equal(await say(), '0')
  assert.equal((await put('PUT')).status, 204)
  await server.plugins.reload('watch')
  assert.equal(await say(), '1')
  await put('DELETE')
  assert.equal(await say(), '1')`

/** A snippet as a test of its own, after what the guide takes for granted there. */
function asTest(name: string, before: string, snippet: string): string {
  return `test('${name}', async (t) => {\n${before}\n${snippet}\n})\n`
}

test('the tests and snippets of the guide compile, and pass with the plugin of its first pages', async (t) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'beaconfire-guide-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const guide = await readFile(join(ROOT, 'plugin-sdk/README.md'), 'utf8')
  const logIn = `const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]`
  const talk = `romeo.send('<message to="' + juliet.jid + '" id="1"><body>Hark!</body></message>')\nawait romeo.sync()`
  const sequences = blockWith(guide, 'recordInterceptor()').replace(/^\/\/ …romeo writes.*$/m, `${logIn}\n${talk}`)
  const snippets = [
    `import { openfireSequence, recordInterceptor } from '@beaconfire/plugin-sdk/testing'`,
    `import watch from './watch.js'`,
    blockWith(guide, `test('a message still arrives'`),
    asTest('transcript', `const server = await startTestServer(t, { plugins: [shout] })\n${logIn}`, blockWith(guide, 'transcript.assert(')),
    asTest('sequences', '', sequences),
    asTest('some users', '', someUsers),
  ]
  const repository = relative(folder, ROOT)
  await writeFile(join(folder, 'package.json'), '{ "name": "shout", "version": "1.0.0", "type": "module" }')
  await writeFile(join(folder, 'tsconfig.json'), compilerOptions({ kind: 'beside', repository }) ?? '')
  await writeFile(join(folder, 'index.ts'), blockWith(guide, `name: 'shout'`))
  await writeFile(join(folder, 'watch.ts'), blockWith(guide, `name: 'watch',\n  version`))
  await writeFile(join(folder, 'configured.ts'), blockWith(guide, 'loudness: Type.Integer'))
  await writeFile(join(folder, 'shout.test.ts'), snippets.join('\n'))

  const node = (...args: string[]) =>
    promisify(execFile)(process.execPath, args, { cwd: folder, env }).catch((error: Error & { stdout: string }) => assert.fail(error.stdout))
  await node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit')
  const { stdout } = await node('--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), '--test', 'shout.test.ts')
  assert.match(stdout, /pass 4\b[\s\S]*fail 0/)
})
