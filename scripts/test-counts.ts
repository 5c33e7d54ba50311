/** Reads how many tests passed from what node:test prints at the end of a process. */

export interface Counts {
  readonly passed: number
  /** Cancelled tests count as failed. */
  readonly failed: number
  /** Tests marked `todo` count as skipped. */
  readonly skipped: number
}

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0 }

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

const CLOSING_LINE = /^(?:ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)$/gm

/** Takes the last such line of each kind: a test may itself print the output of another run. */
export function countsOf(output: string): Counts {
  const last: Record<string, number> = {}
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with one
  for (const match of output.replace(/\u001b\[[\d;]*m/g, '').matchAll(CLOSING_LINE)) last[match[1] as string] = Number(match[2])
  const { pass = 0, fail = 0, cancelled = 0, skipped = 0, todo = 0 } = last
  return { passed: pass, failed: fail + cancelled, skipped: skipped + todo }
}
