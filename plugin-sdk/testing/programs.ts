/** Programs that tests start: where one is missing, the test says which package brings it. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Folders of Debian's own programs, which a PATH may lack (sbin) or hide. */
const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/sbin', '/bin', '/sbin', ...(process.env.PATH ?? '').split(delimiter)]

export interface Program {
  readonly name: string
  readonly debianPackage: string
  /** Arguments of a call that succeeds only when all that is needed is there. */
  readonly probe?: readonly string[]
}

/** The part of node:test's context that skips a test. */
interface Skippable {
  skip(message?: string): void
}

/**
 * @returns the program's path; undefined when it is missing and the test was skipped
 * @throws Error when it is missing and `CI` is set: there everything must run
 */
export function programOrSkip(t: Skippable, program: Program): string | undefined {
  const path = findProgram(program)
  if (path !== undefined) return path
  const message = `${program.name} is missing: apt-get install ${program.debianPackage}`
  if (process.env.CI) throw new Error(message)
  t.skip(message)
  return undefined
}

/** @returns the path of a program that can be run, and whose probe succeeds where one is given */
export function findProgram({ name, probe }: Pick<Program, 'name' | 'probe'>): string | undefined {
  const path = FOLDERS.map((folder) => join(folder, name)).find(isExecutable)
  if (path === undefined || probe === undefined) return path
  return spawnSync(path, probe, { stdio: 'ignore', timeout: 30_000 }).status === 0 ? path : undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there, or not ours to run: the next folder may have it.
    return false
  }
}
