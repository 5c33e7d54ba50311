/** Rows of no session: what clients had not acknowledged goes the way of messages to absent users, with the time at which it came. */
import { type Jid, type Logger, type Message, parseStoredStanza, XmlError } from '@beaconfire/plugin-sdk'
import type { JournalledMessage, JournalStore } from './journal-store.js'

const PAGE = 500
const NUMBERS_AT_ONCE = 5000

export interface ReadBackCollaborators {
  readonly store: JournalStore
  readonly log: Logger
  account(username: string): Jid
  giveBack(message: Message, account: Jid, at: Date): Promise<void>
  /** Numbers of rows that are waited for, or removed, or both. */
  known(): ReadonlySet<number>
}

/** What cannot be stored elsewhere stays, and is tried again. All of these resolve with how many messages were given back. */
export class ReadBack {
  readonly #with: ReadBackCollaborators
  /** What nobody knew when it was looked at last: it may have been a row that was just being written. */
  #strange: ReadonlySet<number> = new Set()

  constructor(collaborators: ReadBackCollaborators) {
    this.#with = collaborators
  }

  /** After a crash, when no session has been handed anything. */
  async everything(): Promise<number> {
    let count = 0
    let after = -1
    for (;;) {
      const page = await this.#with.store.read(PAGE, after)
      const last = page.at(-1)
      if (!last) return count
      after = last.journalID
      count += await this.#giveBack(page)
    }
  }

  /** While sessions are handed messages: what nobody has known since the last call. */
  async forgotten(): Promise<number> {
    const before = this.#strange
    const strange = await this.#unknown()
    const lost = [...strange].filter((it) => before.has(it))
    this.#strange = strange
    let count = 0
    for (let start = 0; start < lost.length; start += PAGE)
      count += await this.#giveBack(await this.#with.store.find(lost.slice(start, start + PAGE)))
    return count
  }

  async #unknown(): Promise<Set<number>> {
    const { store, known } = this.#with
    const unknown = new Set<number>()
    let after: number | undefined = -1
    while (after !== undefined) {
      const numbers = await store.numbers(NUMBERS_AT_ONCE, after)
      const theirs = known()
      for (const journalID of numbers) if (!theirs.has(journalID)) unknown.add(journalID)
      after = numbers.length < NUMBERS_AT_ONCE ? undefined : numbers.at(-1)
    }
    return unknown
  }

  async #giveBack(rows: readonly JournalledMessage[]): Promise<number> {
    const { store, log, account, giveBack } = this.#with
    const done: number[] = []
    const given = rows.map(async (row) => {
      const message = messageIn(row)
      if (message) await giveBack(message, account(row.username), row.at)
      else log.warn({ username: row.username, journalID: row.journalID }, 'a row of the journal holds no message that can be read; it is removed')
      done.push(row.journalID)
    })
    for (const outcome of await Promise.allSettled(given)) {
      if (outcome.status === 'rejected') log.error({ error: outcome.reason }, 'a message of the journal could not be given back; it stays')
    }
    await store.remove(done)
    return done.length
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
