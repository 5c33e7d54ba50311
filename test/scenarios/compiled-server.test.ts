import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { writeRecording } from '../support/recording.js'
import { COMPILED_MAIN, type ServerProcess, startServerProcess } from '../support/server-process.js'

const SHIPPED = fileURLToPath(new URL('../../plugins', import.meta.url))

interface PluginView {
  readonly name: string
  readonly state: string
  readonly version?: string
}

async function plugins(server: ServerProcess): Promise<readonly PluginView[]> {
  const answer = await server.admin('/api/v1/plugins')
  return ((await answer.json()) as { items: PluginView[] }).items
}

async function rescan(server: ServerProcess): Promise<void> {
  const answer = await server.admin('/api/v1/plugins/rescan', { method: 'POST' })
  assert.equal(answer.status, 200)
}

async function drop(server: ServerProcess, version: string): Promise<void> {
  const folder = join(server.folder, 'plugins', 'hello')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'hello', version, type: 'module' }))
  await writeFile(join(folder, 'version.ts'), `export const version: string = '${version}'\n`)
  await writeFile(
    join(folder, 'index.ts'),
    `import { definePlugin, Jid } from '@beaconfire/plugin-sdk'
import { version } from './version.js'
export default definePlugin({
  name: 'hello',
  version,
  setup: ({ domain }) => {
    if (!(domain instanceof Jid)) throw new Error('another copy of the SDK')
    return {}
  },
})
`,
  )
}

test('the compiled server runs every shipped plugin, loads and reloads TypeScript that is dropped in, and rehearses it', async (t) => {
  const server = await startServerProcess(t, { isCompiled: true })
  const shipped = (await readdir(SHIPPED, { withFileTypes: true })).filter((it) => it.isDirectory()).map((it) => it.name)
  const running = (await plugins(server)).filter((it) => it.state === 'running').map((it) => it.name)
  assert.deepEqual(running.sort(), shipped.sort())

  const hello = async () => (await plugins(server)).find((it) => it.name === 'hello')
  for (const version of ['1.0.0', '2.0.0']) {
    await drop(server, version)
    await rescan(server)
    assert.deepEqual([(await hello())?.state, (await hello())?.version], ['running', version])
  }
  assert.equal((await server.stop()).code, 0)

  await rehearse(server.folder)
})

/** Old and new as they lie in a folder that knows nothing of the repository: TypeScript, which the compiled program compiles. */
async function rehearse(folder: string): Promise<void> {
  for (const [version, act] of [
    ['old', ''],
    ['new', `if (packet.kind === 'message') packet.body = packet.body?.toUpperCase()`],
  ] as const) {
    await mkdir(join(folder, version))
    await writeFile(join(folder, version, 'package.json'), JSON.stringify({ name: 'shout', version: '1.0.0', type: 'module' }))
    await writeFile(
      join(folder, version, 'index.ts'),
      `import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: 'shout', version: '1.0.0', setup: () => ({ interceptors: [
  { name: 'louder', band: 'transform', when: { stanza: 'message', incoming: true, processed: false }, interceptPacket({ packet }) { ${act} } },
] }) })
`,
    )
  }
  await writeRecording(join(folder, 'recording.jsonl'))
  const args = ['rehearse', 'new', '--against', 'old', '--recording', 'recording.jsonl', '--no-database', '--json']
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const failed = await promisify(execFile)(process.execPath, [COMPILED_MAIN, ...args], { cwd: folder, env }).catch(
    (error: Error & { code: number; stdout: string; stderr: string }) => error,
  )
  assert.ok(failed instanceof Error, 'it says by its exit code that something differs')
  assert.equal(failed.code, 1, failed.stderr)
  const report = JSON.parse(failed.stdout) as { differences: { kind: string; change: string }[] }
  assert.deepEqual(
    report.differences.map((it) => it.kind),
    ['rewrite'],
  )
  assert.match(report.differences[0]?.change ?? '', /\[-herefore-\]\{\+HEREFORE\+\}/)
}
