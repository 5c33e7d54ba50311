/** `npm run crash-test`: shows that nothing acknowledged is lost (design §5), whatever is killed. See docs/durability.md. */
import { Progress } from '../bench/report/progress.js'
import { parseCommand } from './command.js'
import { NotPossible, run } from './run.js'
import { brokenPromises, type Outcome, tableOf } from './table.js'

const progress = new Progress()
const outcomes: Outcome[] = []
let failures = 0
let isInterrupted = false
/** Where nothing is overwritten a line comes so often. */
const ROUNDS_A_LINE = 5

// The library leaves some failures of connections to nobody.
const ignoreLibrary = (error: unknown) => {
  if (error instanceof Error && ('syscall' in error || /[/\\]@xmpp[/\\]/.test(error.stack ?? ''))) return
  throw error
}
process.on('unhandledRejection', ignoreLibrary)
process.on('uncaughtException', ignoreLibrary)
// Once: what was done so far is counted. Again: as usual.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isInterrupted = true
  })
}

for (const options of parseCommand(process.argv)) {
  if (isInterrupted) break
  const name = `${options.scenario} on ${options.engine}, ${options.durability}`
  progress.line(`${name}, seed ${options.seed}: ${options.kills} times`)
  try {
    const result = await run(options, { doing: (text, done, all) => tell(`${name}: ${text}`, done, all), isInterrupted: () => isInterrupted })
    outcomes.push({ options, result })
    for (const line of brokenPromises(result)) {
      failures++
      progress.line(`BROKEN ${name}: ${line}`)
    }
  } catch (error) {
    if (!(error instanceof NotPossible)) failures++
    progress.line(`${error instanceof NotPossible ? 'skipped' : 'FAILED'} ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
progress.clear()
if (outcomes.length > 0) process.stdout.write(tableOf(outcomes))
// A run that failed leaves clients that would try for ever.
process.exit(failures > 0 ? 1 : 0)

function tell(text: string, done: number, all: number): void {
  if (process.stderr.isTTY) progress.doing(text, done, all)
  else if (done > 0 && done % ROUNDS_A_LINE === 0) progress.line(`[${done}/${all}] ${text}`)
}
