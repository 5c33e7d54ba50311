/** One write of the journal: entries to the disk, by as many transactions as the database makes of them. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { Entry } from './entry.js'
import type { JournalStore } from './journal-store.js'

export interface Written {
  readonly stored: readonly Entry[]
  /** To be tried again. */
  readonly refused: readonly Entry[]
}

/** Never rejects. */
export async function writeEntries(entries: readonly Entry[], store: JournalStore, log: Logger): Promise<Written> {
  const refused = new Set<object>()
  const noteRefused = (error: unknown, row: object) => {
    if (refused.size === 0) log.error({ error, messages: entries.length }, 'messages could not be written to the journal; it tries again')
    refused.add(row)
  }
  const writes = entries.map((entry) => store.append(entry, noteRefused))
  const transactions = [...new Set(writes)]
  const outcomes = await Promise.allSettled(transactions)
  const failed = new Set(transactions.filter((_, at) => outcomes[at]?.status === 'rejected'))
  if (failed.size === 0 && refused.size === 0) return { stored: entries, refused: [] }
  const isStored = (entry: Entry, at: number) => !failed.has(writes[at] as Promise<void>) && !refused.has(entry)
  return { stored: entries.filter(isStored), refused: entries.filter((entry, at) => !isStored(entry, at)) }
}
