/** After a crash: what clients had not acknowledged goes the way of messages to absent users, with the time at which it came. */
import { type Jid, type Logger, type Message, parseStoredStanza, XmlError } from '@beaconfire/plugin-sdk'
import type { JournalledMessage, JournalStore } from './journal-store.js'

const PAGE = 500

export interface ReadBackCollaborators {
  readonly store: JournalStore
  readonly log: Logger
  account(username: string): Jid
  giveBack(message: Message, account: Jid, at: Date): Promise<void>
}

/** @returns how many messages there were. What cannot be stored elsewhere stays, and is tried again at the next start. */
export async function readBack({ store, log, account, giveBack }: ReadBackCollaborators): Promise<number> {
  let count = 0
  let after = -1
  for (;;) {
    const page = await store.read(PAGE, after)
    const last = page.at(-1)
    if (!last) return count
    after = last.journalID
    const done: number[] = []
    const given = page.map(async (row) => {
      const message = messageIn(row)
      if (message) await giveBack(message, account(row.username), row.at)
      else log.warn({ username: row.username, journalID: row.journalID }, 'a row of the journal holds no message that can be read; it is removed')
      done.push(row.journalID)
    })
    for (const outcome of await Promise.allSettled(given)) {
      if (outcome.status === 'rejected') log.error({ error: outcome.reason }, 'a message of the journal could not be given back; it stays')
    }
    await store.remove(done)
    count += done.length
  }
}

function messageIn({ stanza }: JournalledMessage): Message | undefined {
  try {
    const parsed = parseStoredStanza(stanza)
    return parsed.kind === 'message' ? parsed : undefined
  } catch (error) {
    if (error instanceof XmlError || error instanceof TypeError) return undefined
    throw error
  }
}
