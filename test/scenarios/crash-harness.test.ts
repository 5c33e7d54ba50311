/** The crash harness at the size of a test run: nothing acknowledged is lost, whatever is killed (design §5). By hand: docs/durability.md. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isMariaDbInstalled, MARIADB_MISSING } from '@beaconfire/plugin-sdk/testing'

const HARNESS = fileURLToPath(new URL('../crash/main.ts', import.meta.url))
const BUILD = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')
const NEEDS_MARIADB = { skip: isMariaDbInstalled() || process.env.CI ? false : MARIADB_MISSING }

/** What it says of its progress is passed on: a process that is silent for minutes is taken for one that hangs. */
function node(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const running = promisify(execFile)(process.execPath, ['--import', TSX, ...args])
  running.child.stderr?.pipe(process.stderr)
  return running
}

/** @throws with what it printed when a promise is broken */
async function crash(...args: readonly string[]): Promise<void> {
  const { stdout } = await node(HARNESS, ...args)
  assert.match(stdout, / strict /)
}

describe('nothing acknowledged is lost', { concurrency: 2 }, () => {
  before(async () => void (await node(BUILD))) // once: the harnesses then find nothing to write

  test('when the server is killed 25 times on SQLite', () => crash('--kills', '25', '--engine', 'sqlite', '--seed', '1'))
  test('when the server is killed 25 times on MariaDB', NEEDS_MARIADB, () => crash('--kills', '25', '--engine', 'mysql', '--seed', '2'))
  test('when the SQLite file is locked', () => crash('--scenario', 'database', '--kills', '2', '--engine', 'sqlite', '--seed', '6', '--outage', '2'))
  test('when MariaDB is killed and stopped under the server', NEEDS_MARIADB, () =>
    crash('--scenario', 'database', '--kills', '2', '--engine', 'mysql', '--seed', '3', '--outage', '2'),
  )
  for (const engine of ['sqlite', 'mysql'] as const) {
    const needed = engine === 'mysql' ? NEEDS_MARIADB : {}
    test(`when the disk is full, on ${engine}`, needed, async (t) => {
      const { stdout, stderr } = await node(HARNESS, '--scenario', 'full-disk', '--kills', '2', '--engine', engine, '--seed', '4', '--outage', '2')
      if (/^skipped/m.test(stderr)) t.skip(stderr)
      else assert.match(stdout, / strict /)
    })
    test(`when the server is told to end, on ${engine}`, needed, () =>
      crash('--signal', 'SIGTERM', '--kills', '5', '--engine', engine, '--seed', '5'),
    )
  }
})
