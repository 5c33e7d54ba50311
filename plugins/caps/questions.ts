/** Asks clients what they can do: for each hash one client at a time, until one answer proves it. */
import { type ClientSession, element, type Iq, iq, type MaybePromise, NS, type Timer, type Timers } from '@beaconfire/plugin-sdk'
import { type AdvertisedCaps, cacheKey } from './advertised-caps.js'

/** How long a client may take over its answer, in ms, before the next that shows the same hash is asked. */
const ANSWER_LIMIT_MS = 30_000
/** Stanza id: a client has one question at a time, so the session and this find it. */
const ID = 'disco'

interface Question {
  readonly key: string
  readonly caps: AdvertisedCaps
  asked: ClientSession
  timer: Timer
  /** Others that show the same hash, in order. */
  readonly waiting: Set<ClientSession>
}

export interface QuestionCollaborators {
  readonly timers: Timers
  /** @returns true when the answer settles it for all who wait */
  answered(session: ClientSession, caps: AdvertisedCaps, answer: Iq | undefined): MaybePromise<boolean>
}

export class Questions {
  readonly #server: QuestionCollaborators
  readonly #byKey = new Map<string, Question>()
  readonly #asked = new WeakMap<ClientSession, Question>()
  readonly #waiting = new WeakMap<ClientSession, Question>()

  constructor(server: QuestionCollaborators) {
    this.#server = server
  }

  /** Questions without an answer yet. */
  get size(): number {
    return this.#byKey.size
  }

  ask(session: ClientSession, caps: AdvertisedCaps): MaybePromise<void> {
    this.withdraw(session)
    const key = keyOf(session, caps)
    const asked = this.#byKey.get(key)
    if (asked) {
      asked.waiting.add(session)
      this.#waiting.set(session, asked)
      return
    }
    const question: Question = { key, caps, asked: session, timer: this.#limit(key), waiting: new Set() }
    this.#byKey.set(key, question)
    return this.#put(question, session)
  }

  /** True while the session, or one that shows the same, is asked about these. */
  isAbout(session: ClientSession, caps: AdvertisedCaps): boolean {
    return (this.#asked.get(session) ?? this.#waiting.get(session))?.key === keyOf(session, caps)
  }

  /** Takes an iq of type result or error from a client. @returns nothing when it answers no question */
  async take(session: ClientSession, answer: Iq): Promise<void> {
    const question = answer.id === ID ? this.#asked.get(session) : undefined
    const node: unknown = answer.payload?.attrs.node
    // A late answer to the question before says nothing of this one.
    if (!question || (node !== undefined && node !== question.caps.node)) return
    await this.#settle(question, answer)
  }

  isAsked(session: ClientSession, id: string | undefined): boolean {
    return id === ID && this.#asked.has(session)
  }

  /** The session is not available any more, or shows another hash. */
  withdraw(session: ClientSession): void {
    this.#waiting.get(session)?.waiting.delete(session)
    this.#waiting.delete(session)
    const question = this.#asked.get(session)
    if (question) this.#next(question)
  }

  stop(): void {
    for (const { timer } of this.#byKey.values()) timer.cancel()
    this.#byKey.clear()
  }

  async #settle(question: Question, answer: Iq | undefined): Promise<void> {
    const { asked, caps, waiting } = question
    const isSettled = await this.#server.answered(asked, caps, answer)
    if (this.#asked.get(asked) !== question) return
    if (!isSettled) return this.#next(question)
    this.#end(question)
    for (const session of waiting) {
      this.#waiting.delete(session)
      await this.#server.answered(session, caps, undefined)
    }
  }

  #next(question: Question): void {
    this.#end(question)
    const [session] = question.waiting
    if (!session) return
    question.waiting.delete(session)
    this.#waiting.delete(session)
    question.asked = session
    question.timer = this.#limit(question.key)
    this.#byKey.set(question.key, question)
    void this.#put(question, session)
  }

  #end(question: Question): void {
    question.timer.cancel()
    this.#asked.delete(question.asked)
    if (this.#byKey.get(question.key) === question) this.#byKey.delete(question.key)
  }

  #limit(key: string): Timer {
    return this.#server.timers.after(ANSWER_LIMIT_MS, () => {
      const question = this.#byKey.get(key)
      if (question) this.#next(question)
    })
  }

  /** The account asks its own client, as a service of the account would (XEP-0163 §3). */
  #put(question: Question, session: ClientSession): MaybePromise<void> {
    this.#asked.set(session, question)
    const query = element('query', { xmlns: NS.discoInfo, node: question.caps.node })
    const handed = session.deliver(iq({ type: 'get', id: ID, from: session.jid.bare(), to: session.jid }, query))
    return handed instanceof Promise ? handed.then(() => {}) : undefined
  }
}

/** What cannot be proven is asked of each client for itself. */
function keyOf(session: ClientSession, caps: AdvertisedCaps): string {
  return caps.isVerifiable ? cacheKey(caps) : `${cacheKey(caps)} ${session.jid}`
}
