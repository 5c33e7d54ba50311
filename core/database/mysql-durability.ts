/** Whether MySQL or MariaDB is set so that what it has committed survives a loss of power. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'

interface Settings {
  readonly innodbFlush: number
  readonly hasBinaryLog: number
  readonly syncBinaryLog: number
}

const QUERY = 'select @@global.innodb_flush_log_at_trx_commit as innodbFlush, @@global.log_bin as hasBinaryLog, @@global.sync_binlog as syncBinaryLog'

/** Logs a warning for each setting that lets commits be lost with the power; others than the operator's own cannot be chosen from here. */
export async function warnOfLateFlushes(knex: Knex, log: Logger): Promise<void> {
  const [[settings]] = (await knex.raw(QUERY)) as [Settings[]]
  if (!settings) return
  const { innodbFlush, hasBinaryLog, syncBinaryLog } = settings
  if (Number(innodbFlush) !== 1) {
    log.warn(
      { innodb_flush_log_at_trx_commit: Number(innodbFlush) },
      'with durability strict, messages can still be lost when the power of the database server fails: set innodb_flush_log_at_trx_commit = 1 there',
    )
  }
  // At its recovery the engine rolls back what the binary log does not hold.
  if (Number(hasBinaryLog) === 1 && Number(syncBinaryLog) !== 1) {
    log.warn(
      { sync_binlog: Number(syncBinaryLog) },
      'with durability strict, messages can still be lost when the power of the database server fails: set sync_binlog = 1 there, or switch its binary log off',
    )
  }
}
