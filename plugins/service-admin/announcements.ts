/** Carries what the server says to its users: to those who are here, or to each once. */
import { type ClientSession, element, type Jid, type Logger, type Message, message, type Sessions } from '@beaconfire/plugin-sdk'
import type { StandingMessages } from './standing-messages.js'

/** Deliveries in one turn of the event loop: an announcement must not stop the streams of thousands. */
const TURN = 500

export class Announcements {
  readonly #domain: Jid
  readonly #sessions: Sessions
  readonly #messages: StandingMessages
  readonly #log: Logger
  /** Users who are being shown the message of the day, so that two resources do not both get it. */
  readonly #showing = new Set<string>()

  constructor(domain: Jid, sessions: Sessions, messages: StandingMessages, log: Logger) {
    this.#domain = domain
    this.#sessions = sessions
    this.#messages = messages
    this.#log = log
  }

  /** To every resource that is available. @returns the users it was sent to */
  async toAll(subject: string, text: string): Promise<Set<string>> {
    const users = new Set<string>()
    let sent = 0
    for (const session of [...this.#sessions.all()]) {
      if (!session.isAvailable) continue
      users.add(session.jid.local)
      await session.deliver(this.#announcement(session.jid, subject, text))
      if (++sent % TURN === 0) await new Promise((resolve) => void setImmediate(resolve))
    }
    return users
  }

  /** Shows the message of the day to those who are here, as long as nobody sets another. */
  async showMotdToAll(): Promise<void> {
    const text = this.#messages.motd
    if (text === undefined) return
    const users = await this.toAll('Message of the day', text)
    await this.#messages.noteMotdSeen([...users])
  }

  /** Shows it to a user who has just come, unless they have seen it. */
  async showMotd(session: ClientSession): Promise<void> {
    const text = this.#messages.motd
    const user = session.jid.local
    if (text === undefined || this.#showing.has(user)) return
    this.#showing.add(user)
    try {
      if (await this.#messages.hasSeenMotd(user)) return
      if (await session.deliver(this.#announcement(session.jid, 'Message of the day', text))) await this.#messages.noteMotdSeen([user])
    } catch (error) {
      this.#log.error({ jid: session.jid.toString(), error }, 'the message of the day could not be shown')
    } finally {
      this.#showing.delete(user)
    }
  }

  /** What a new account is told; kept for it until its user logs in. */
  welcome(user: Jid): Message | undefined {
    const text = this.#messages.welcome
    if (text === undefined) return undefined
    return message({ from: this.#domain, to: user }, element('subject', {}, 'Welcome'), element('body', {}, text))
  }

  /** A headline: it is for who is here now, and kept for nobody. */
  #announcement(to: Jid, subject: string, text: string): Message {
    return message({ from: this.#domain, to, type: 'headline' }, element('subject', {}, subject), element('body', {}, text))
  }
}
