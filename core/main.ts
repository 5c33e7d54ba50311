#!/usr/bin/env node
/** The command line: starts the server, with its configuration, signals and exit code, or hands over to another command. */
import { sep } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { EXIT_CRASH } from './command-line/command.js'
import { failureText } from './command-line/failure-text.js'
import { ConfigError } from './config/check-config.js'
import { TlsFilesUnusable } from './net/tls-context.js'
import { CompiledPlugins } from './plugin-host/compiled-plugins.js'
import { type RunningServer, startServer } from './server.js'
import { giveBackStartMemory } from './start-memory.js'

/** Stopping takes less than this, or the process ends anyway. */
const STOP_TIMEOUT_MS = 5000
/**
 * How much V8 may inline into one function, in bytes of bytecode, instead of its 920. A stanza's way is long and its functions small: with
 * all of it in one, optimising takes a third of the CPU time of a server's first seconds (logins 15 % and offline messages 25 % slower),
 * and what comes out is no faster.
 */
const INLINED_BYTECODE = 150

async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command !== undefined && (command !== 'run' || rest.length > 0)) return runOther([command, ...rest])
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTECODE}`)
  const server = await startServer({ env: process.env })
  outlivePlugins(server)
  if (server.firstStartToken) {
    process.stdout.write(
      `\n  Admin token, shown this once: ${server.firstStartToken}\n  Use it as: curl -H "Authorization: Bearer <token>" ${server.adminUrl}/api/v1/server\n\n`,
    )
  }
  stopOnSignals(server)
  await giveBackStartMemory()
  process.stdout.write(`ready ${JSON.stringify(server.ports)}\n`)
}

/** Imported only now: a server needs none of it. 1 is a result of some commands, which one that fails must not end with; nor 0. */
async function runOther(args: readonly string[]): Promise<void> {
  process.exitCode = EXIT_CRASH // should nothing be left to wait for, and no answer have come
  const fail = (error: unknown) => {
    process.stderr.write(`The command failed: ${failureText(error)}\n`)
    process.exit(EXIT_CRASH)
  }
  process.on('uncaughtException', fail)
  try {
    const { runCommandLine } = await import('./command-line/command-line.js')
    process.exitCode = await runCommandLine(args, {
      env: process.env,
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      isInteractive: process.stderr.isTTY === true,
    })
  } catch (error) {
    fail(error)
  }
}

/**
 * What a plugin throws where nobody calls it (a timer of its own, a promise it does not wait for) is logged with its name, and the
 * server goes on. What core throws so leaves nobody knows what behind, and ends the server.
 */
function outlivePlugins(server: RunningServer): void {
  const compiled = CompiledPlugins.beside(import.meta.url)
  // Rejections nobody handles come here too, as Node does by default.
  process.on('uncaughtException', (error) => {
    const culprit = server.plugins.list().find(({ name, folder }) => {
      return [folder, compiled?.folderOf(name)].some((it) => it !== undefined && thrownIn(it, error))
    })
    if (culprit) {
      server.log.error({ plugin: culprit.name, error }, 'an error of the plugin was caught by nobody')
      return
    }
    server.log.error({ error }, 'a bug ended the server')
    process.exit(1)
  })
}

/** The error began in a file of this folder; for errors of Node's own, the first frame that is a file says so. */
function thrownIn(folder: string, error: unknown): boolean {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line) && !line.includes('node:')) : []
  return frames[0]?.includes(folder + sep) ?? false
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
        process.stderr.write(`stopping failed: ${failureText(error)}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const saysEnough = error instanceof ConfigError || error instanceof TlsFilesUnusable
  const message = saysEnough ? error.message : failureText(error)
  process.stderr.write(`Beaconfire did not start: ${message}\n`)
  process.exit(1)
})
