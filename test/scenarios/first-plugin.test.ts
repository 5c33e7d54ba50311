/** The five minutes of the SDK's guide: its commands, as they stand there, in their order, against a real server. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
/** What the guide promises a reader; a machine that also runs other tests has no business to need it. */
const FIVE_MINUTES_MS = 5 * 60_000

/** The commands of a section, block by block. */
async function commandsOf(section: string): Promise<string[]> {
  const guide = await readFile(join(ROOT, 'plugin-sdk/README.md'), 'utf8')
  const [, text = ''] = guide.split(`## ${section}\n`)
  const [own = ''] = text.split('\n## ')
  return [...own.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, commands = '']) => commands.replaceAll(/^ +/gm, '').trim())
}

/** A server that was started by a command of the guide, and what it has printed. */
class StartedServer {
  output = ''
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()

  constructor(command: string, env: NodeJS.ProcessEnv) {
    // It leads a process group, since npm stands between.
    this.#child = spawn('bash', ['-c', command], { cwd: ROOT, env, detached: true })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
        for (const listener of this.#listeners) listener()
      })
    }
  }

  /** Resolves when a line like this has been printed after `from` characters. */
  prints(line: RegExp, from = 0): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${line} was not printed; the server said:\n${this.output.slice(from)}`)), 60_000)
      const look = () => {
        const found = line.exec(this.output.slice(from))
        if (!found) return
        clearTimeout(late)
        this.#listeners.delete(look)
        resolve(found)
      }
      this.#listeners.add(look)
      look()
    })
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    process.kill(-(this.#child.pid as number), 'SIGKILL')
    await closed
  }
}

test('the commands of the five minutes do what the guide says', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'beaconfire-first-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const { NODE_TEST_CONTEXT: _, ...given } = process.env
  const env: NodeJS.ProcessEnv = {
    ...given,
    HOME: home,
    BEACONFIRE_DATA_FOLDER: join(home, 'data'),
    BEACONFIRE_C2S_PORT: '0',
    BEACONFIRE_C2S_DIRECT_TLS_PORT: '-1',
    BEACONFIRE_ADMIN_PORT: '0',
    npm_config_update_notifier: 'false',
  }
  const run = async (command: string): Promise<string> => (await promisify(execFile)('bash', ['-ec', command], { cwd: ROOT, env })).stdout

  const [create = '', tryOut = '', start = '', say = '', change = '', remove = '', ...others] = await commandsOf('The first plugin in five minutes')
  assert.deepEqual(others, [], 'every command of the guide is run here')
  const startedAt = performance.now()

  await run(create)
  assert.ok(existsSync(join(home, 'my-plugins/hello/index.ts')))
  assert.match(await run(tryOut), /pass 1\b[\s\S]*fail 0/)

  const server = new StartedServer(start, env)
  t.after(() => server.stop())
  const [, ports = ''] = await server.prints(/^ready (\{.*\})$/m)
  env.BEACONFIRE_C2S_PORT = String((JSON.parse(ports) as { c2s: number }).c2s)
  let seen = server.output.length
  assert.match(await run(say), /hears: .*Wherefore art thou\?/)
  const passes = await server.prints(/^.*a message passes.*$/m, seen)
  assert.match(passes[0], /hello/)

  seen = server.output.length
  const [edit = '', sayAgain = ''] = change.split('\n')
  await run(edit)
  await server.prints(/^.*hello.*plugin reloaded.*$/m, seen)
  await run(sayAgain)
  await server.prints(/^.*here comes a message.*$/m, seen)

  seen = server.output.length
  await run(remove)
  await server.prints(/^.*hello.*plugin unloaded.*$/m, seen)
  assert.ok(performance.now() - startedAt < FIVE_MINUTES_MS)
  t.diagnostic(`the commands took ${Math.round((performance.now() - startedAt) / 1000)} s`)
})
