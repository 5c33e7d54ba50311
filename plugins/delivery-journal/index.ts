/** Delivery journal (design §5): a message that was accepted is on disk until its recipient has it, also when the server is killed. */
import { type ClientSession, definePlugin, Jid, parseStoredStanza } from '@beaconfire/plugin-sdk'
import type { Entry } from './entry.js'
import { handedOver } from './interceptors.js'
import { Journal } from './journal.js'
import { JournalStore, tables } from './journal-store.js'
import { ReadBack } from './read-back.js'

/** Turns of the event loop after which the journal knows what a socket has not taken. */
const TURNS_TO_WRITE = 3

/** How often rows are looked for that nobody knows, in ms: what could not be given back, or a version before could not hand on. */
const FORGOTTEN_MS = 60_000

/** Of each message that had not arrived: full JID and id of the session, receipt, number of the row. */
type Saved = readonly (readonly [jid: string, id: string, receipt: number, journalID: number])[]

export default definePlugin({
  name: 'delivery-journal',
  version: '0.1.0',
  description: 'Keeps messages on disk until their recipients have acknowledged them',
  tables,
  provides: ['deliveryJournal'],

  setup({ database, domain, durability, giveBack, log, metrics, sessions, timers }) {
    const store = new JournalStore(database)
    const journal = new Journal(store, timers, log)
    const account = (username: string) => Jid.of(username, domain.domain)
    const lost = new ReadBack({ store, log, account, giveBack, known: () => journal.rows() })
    metrics.gauge('pending_messages', 'Messages handed to a client that have not arrived', () => journal.pending)

    async function restoreAfterCrash(): Promise<void> {
      const messages = await lost.everything()
      if (messages > 0) log.info({ messages }, 'messages that had not arrived when the server ended were given back')
    }

    async function giveBackForgotten(): Promise<void> {
      const messages = await lost.forgotten()
      if (messages > 0) log.info({ messages }, 'messages of ended sessions were given back from the journal')
    }

    async function giveBackEntry({ stanza, creationDate, username }: Entry): Promise<void> {
      if (stanza === '') return // of the version before, which has its row
      const message = parseStoredStanza(stanza)
      if (message.kind === 'message') await giveBack(message, account(username), new Date(Number(creationDate)))
    }

    /** Without XEP-0198 core knows nothing of what was not written any more. */
    async function giveBackUnwritten(session: ClientSession): Promise<void> {
      for (let turns = 0; turns < TURNS_TO_WRITE; turns++) await new Promise((resolve) => setImmediate(resolve))
      // Begun in order and not waited for one by one, so that they go to the disk together.
      await Promise.all(journal.missing(session).map((it) => giveBackEntry(it)))
      journal.returned(session)
    }

    return {
      services: { deliveryJournal: journal },
      interceptors: durability === 'strict' ? [handedOver(journal, timers)] : [],
      hooks: {
        pluginsStarted: restoreAfterCrash,
        unacknowledgedReturned: ({ session, isComplete }) => (isComplete ? journal.returned(session) : journal.forget(session)),
        async sessionClosed({ session }) {
          if (!session.acknowledges && session.arrived < session.handedOver) await giveBackUnwritten(session)
        },
      },
      start() {
        timers.every(FORGOTTEN_MS, giveBackForgotten)
      },
      /** A database that is away keeps the new version waiting, and this one goes on. */
      async save(): Promise<Saved> {
        await journal.whenWritten()
        return journal.stored().map(({ session, receipt, journalID }) => [session.jid.toString(), session.id, receipt, journalID])
      },
      restore(state) {
        for (const [jid, id, receipt, journalID] of state as Saved) {
          const session = sessions.get(Jid.parse(jid))
          journal.adopt(session?.id === id ? session : undefined, receipt, journalID)
        }
      },
      async stop() {
        await journal.whenQuiet()
        await journal.clear()
      },
    }
  },
})
