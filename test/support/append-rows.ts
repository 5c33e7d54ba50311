/** A process that appends rows for ever and prints the id of each that is acknowledged; a test kills it. Argument: the data folder. */
import { loadConfig } from '../../core/config/load-config.js'
import { openDatabase } from '../../core/database/database.js'
import { silentLogger } from '../../core/log.js'

const ROWS_AT_ONCE = 50

const database = await openDatabase(loadConfig({ env: {} }).database, process.argv[2] ?? '.', silentLogger)
const rows = database.forPlugin('rows').appender('line', ['id', 'body'])

let id = 0
async function appendOn(): Promise<void> {
  for (;;) {
    const mine = ++id
    await rows.append({ id: mine, body: 'x'.repeat(300) })
    process.stdout.write(`${mine}\n`) // not writeSync: a pipe that is full would be an error
  }
}
await Promise.all(Array.from({ length: ROWS_AT_ONCE }, appendOn))
