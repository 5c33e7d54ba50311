/** Runs one workload in a generator process of its own, so that its CPU is apart from the server's and from ours. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { GeneratorRequest, GeneratorResult } from '../generator/request.js'
import { pinned } from '../servers/server-process.js'

const GENERATOR = resolve(fileURLToPath(import.meta.url), '../../generator/main.ts')

export interface GeneratorOptions {
  /** Core to stay on. */
  readonly core: number | undefined
  progress(line: string): void
}

/** Never throws: what goes wrong is a result that is not ok. */
export async function runGenerator(request: GeneratorRequest, { core, progress }: GeneratorOptions): Promise<GeneratorResult> {
  const [program, ...args] = pinned(core, [process.execPath, '--import', 'tsx', GENERATOR])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let lastLine = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLine = line
    progress(line)
  })
  child.stdin.end(JSON.stringify(request))
  const output = await Promise.race([text(child.stdout), new Promise<string>((done) => child.once('error', (error) => done(error.message)))])
  try {
    return JSON.parse(output) as GeneratorResult
  } catch {
    const error = `the generator ended without a result: ${lastLine || output}`
    return { ok: false, error, faults: { lost: 0, duplicated: 0, outOfOrder: 0, errors: 0 }, parts: [] }
  }
}
