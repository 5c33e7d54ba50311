/** Messages to users who are away, and their delivery when they log in. */
import type { ClientConnection } from '../client-connection.js'
import { eachOf, range } from '../crowd.js'
import { Deliveries } from '../deliveries.js'
import type { MarkedBodies, SequenceCheck } from '../marked-bodies.js'
import type { OfflineWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

/** Messages are gathered to writes of about this many bytes. */
const WRITE_BYTES = 8192

export async function offline(work: OfflineWorkload, { crowd, meter, bodies, progress }: WorkloadContext): Promise<WorkloadOutcome> {
  const users = range(0, work.users)
  const senders = range(work.users, work.senders)
  const total = work.users * work.perUser
  await crowd.learnKeys([...users, ...senders])
  const sessions = await crowd.sessions(senders)
  progress('storing')
  const recipients = users.map((index) => crowd.bare(index))
  const storing = await meter.begin()
  await Promise.race([
    Promise.all(sessions.map((session, at) => sendAll(session, at, shareOf(work, at), recipients, bodies, work.bytes))),
    crowd.failed,
  ])
  await meter.end('stored', total, storing)
  progress('delivering')
  const deliveries = new Deliveries(total)
  const mailboxes: Mailbox[] = []
  const delivering = await meter.begin()
  const loggingIn = eachOf(users, work.concurrency, async (index) => {
    const connection = crowd.connection(index)
    mailboxes.push(new Mailbox(connection, bodies, deliveries, work))
    await crowd.logIn(connection)
  })
  await Promise.race([Promise.all([loggingIn, deliveries.done]), crowd.failed])
  await meter.end('delivered', total, delivering)
  await Promise.all(mailboxes.map((it) => it.finish()))
  return {}
}

/** Round by round over all recipients, so that their mailboxes fill evenly; done when a ping after the last is answered. */
async function sendAll(
  session: ClientConnection,
  sender: number,
  share: number,
  recipients: readonly string[],
  bodies: MarkedBodies,
  bytes: number,
): Promise<void> {
  session.handler = (stanza) => void bodies.read(stanza)
  let text = ''
  for (let sequence = 0; sequence < share; sequence++) {
    for (const recipient of recipients) {
      text += `<message to='${recipient}' type='chat' id='o${sequence}'><body>${bodies.text(sender, sequence, bytes)}</body></message>`
      if (text.length < WRITE_BYTES) continue
      await session.sendBulk(text)
      text = ''
    }
  }
  await session.sendBulk(text)
  await session.ping()
}

/** How many messages a sender has for each recipient. */
function shareOf({ perUser, senders }: OfflineWorkload, sender: number): number {
  return Math.floor(perUser / senders) + (sender < perUser % senders ? 1 : 0)
}

/** What one recipient gets: all of them, once, in the order of each sender. */
class Mailbox {
  readonly #connection: ClientConnection
  readonly #work: OfflineWorkload
  readonly #checks: SequenceCheck[]

  constructor(connection: ClientConnection, bodies: MarkedBodies, deliveries: Deliveries, work: OfflineWorkload) {
    this.#connection = connection
    this.#work = work
    this.#checks = range(0, work.senders).map(() => bodies.sequence())
    connection.handler = (stanza) => {
      if (!stanza.startsWith('<message')) return
      const mark = bodies.read(stanza)
      if (mark && this.#checks[mark.sender]?.accept(mark.sequence)) deliveries.count()
    }
  }

  async finish(): Promise<void> {
    await this.#connection.ping()
    for (const [sender, check] of this.#checks.entries()) check.finish(shareOf(this.#work, sender))
  }
}
