/** Starts the server from the command line: configuration, signals, exit code. */
import { ConfigError } from './config/check-config.js'
import { type RunningServer, startServer } from './server.js'

/** Stopping takes less than this, or the process ends anyway. */
const STOP_TIMEOUT_MS = 5000

async function main(): Promise<void> {
  const server = await startServer({ env: process.env })
  process.on('uncaughtException', (error) => {
    server.log.error({ error }, 'a bug ended the server')
    process.exit(1)
  })
  if (server.firstStartToken) {
    process.stdout.write(
      `\n  Admin token, shown this once: ${server.firstStartToken}\n  Use it as: curl -H "Authorization: Bearer <token>" ${server.adminUrl}/api/v1/server\n\n`,
    )
  }
  process.stdout.write(`ready ${JSON.stringify(server.ports)}\n`)
  stopOnSignals(server)
}

/** The first signal stops in order; a second one ends the process at once. */
function stopOnSignals(server: RunningServer): void {
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(130)
    isStopping = true
    process.stdout.write(`\n${signal}: closing streams and flushing. Once more ends at once.\n`)
    const late = setTimeout(() => process.exit(1), STOP_TIMEOUT_MS)
    late.unref()
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`stopping failed: ${error instanceof Error ? error.stack : String(error)}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

main().catch((error: unknown) => {
  const message = error instanceof ConfigError || isStartError(error) ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`Beaconfire did not start: ${message}\n`)
  process.exit(1)
})

/** Faults of the surroundings (a port in use, a folder without rights): the message says enough. */
function isStartError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}
