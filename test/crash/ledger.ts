/** What was sent, what the server took responsibility for, and what came: the promise of design §5 in numbers. */

export interface SentMessage {
  /** Of the message stanza, and its text. */
  readonly id: string
  /** Bare JID. */
  readonly to: string
  /** It was sent to the bare JID: what goes to a resource overtakes, as RFC 6121 §8.5.3 has it, what was kept for the account. */
  readonly isOrdered: boolean
  /** How often it was written to a connection: each time the server may give it an id of its own. */
  writes: number
  isAcknowledged: boolean
  /** Type of the stanza error that came for it. */
  error: string | undefined
  /** Client and stanza id of each copy that came. */
  readonly copies: { readonly client: string; readonly stanzaId: string | undefined }[]
}

export interface Received {
  /** The connection's owner: account and resource. */
  readonly client: string
  /** Bare JID. */
  readonly account: string
  readonly body: string
  readonly id: string | undefined
  /** Given by the account (XEP-0359). */
  readonly stanzaId: string | undefined
  /** When it was kept (XEP-0203). */
  readonly stamp: string | undefined
}

export interface Figures {
  readonly sent: number
  readonly acknowledged: number
  /** Answered with an error instead. */
  readonly refused: number
  readonly delivered: number
  /** Acknowledged, and never seen by the recipient. */
  readonly lost: number
  /** Copies too many at one client, with the stanza id of the one before. */
  readonly doubledSameId: number
  /** The same with another stanza id, because the sender was not told that the message had been taken, and sent it again. */
  readonly sentAgain: number
  /** Copies too many that a client cannot tell from new messages. */
  readonly doubledWithoutId: number
  /** Came behind a later one of the same sender, although each of the two was sent once, to the same bare JID; by its stamp a client can tell. */
  readonly late: number
  /** The same without a stamp (XEP-0203). */
  readonly disordered: number
  /** Refused with an error that is not of type `wait`. */
  readonly refusedForGood: number
}

export class Ledger {
  readonly #messages = new Map<string, SentMessage>()
  /** Highest number that came, by client and sender. */
  readonly #lastSeen = new Map<string, number>()
  readonly #faults: string[] = []
  #acknowledged = 0
  #late = 0
  #disordered = 0
  #unknown = 0
  #copies = 0

  /** Messages acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged
  }
  /** Messages that came so far, repeats too. */
  get copies(): number {
    return this.#copies
  }
  /** What went wrong, a line each; the first twenty. */
  get faults(): readonly string[] {
    return this.#faults
  }

  /** Notes that the message is about to be written to a connection. */
  written(id: string, to: string, isOrdered: boolean): void {
    const known = this.#messages.get(id)
    if (known) known.writes++
    else this.#messages.set(id, { id, to, isOrdered, writes: 1, isAcknowledged: false, error: undefined, copies: [] })
  }

  acknowledgedBy(id: string): void {
    const message = this.#messages.get(id)
    if (!message || message.isAcknowledged) return
    message.isAcknowledged = true
    this.#acknowledged++
  }

  refused(id: string, type: string, condition: string): void {
    const message = this.#messages.get(id)
    if (message) message.error = type
    if (type !== 'wait') this.#fault(`${id} to ${message?.to} was refused with ${condition} of type ${type}`)
  }

  received({ client, account, body, id, stanzaId, stamp }: Received): void {
    const message = this.#messages.get(body)
    if (!message || message.to !== account) {
      this.#unknown++
      this.#fault(`${client} got what nobody sent there: ${body}`)
      return
    }
    if (id !== message.id) this.#fault(`${body} came to ${client} with the id ${id}`)
    this.#noteOrder(client, message, stamp)
    this.#copies++
    message.copies.push({ client, stanzaId: id === message.id ? stanzaId : undefined })
  }

  /** Acknowledged, not refused, and not seen by anybody. */
  missing(): SentMessage[] {
    return [...this.#messages.values()].filter((it) => it.isAcknowledged && it.error === undefined && it.copies.length === 0)
  }

  figures(): Figures {
    const messages = [...this.#messages.values()]
    const repeats = { same: 0, again: 0, without: this.#unknown }
    for (const message of messages) this.#countRepeats(message, repeats)
    const missing = this.missing()
    for (const { id, to, isOrdered } of missing) this.#fault(`${id} to ${isOrdered ? to : `a resource of ${to}`} was acknowledged and never came`)
    return {
      sent: messages.length,
      acknowledged: messages.filter((it) => it.isAcknowledged && it.error === undefined).length,
      refused: messages.filter((it) => it.error !== undefined).length,
      delivered: messages.filter((it) => it.copies.length > 0).length,
      lost: missing.length,
      doubledSameId: repeats.same,
      sentAgain: repeats.again,
      doubledWithoutId: repeats.without,
      late: this.#late,
      disordered: this.#disordered,
      refusedForGood: messages.filter((it) => it.error !== undefined && it.error !== 'wait').length,
    }
  }

  #countRepeats(message: SentMessage, repeats: { same: number; again: number; without: number }): void {
    const seen = new Map<string, Set<string>>()
    const ids = new Set<string>()
    for (const { client, stanzaId } of message.copies) {
      const before = seen.get(client)
      if (stanzaId === undefined) {
        if (before) this.#withoutId(message, client, repeats)
        continue
      }
      ids.add(stanzaId)
      if (!before) seen.set(client, new Set([stanzaId]))
      else if (before.has(stanzaId)) repeats.same++
      else if (ids.size <= message.writes) repeats.again++
      else this.#withoutId(message, client, repeats)
      before?.add(stanzaId)
    }
  }

  #withoutId({ id, writes, copies }: SentMessage, client: string, repeats: { without: number }): void {
    repeats.without++
    const all = copies.map((it) => `${it.client} ${it.stanzaId}`).join(', ')
    this.#fault(`${id}, written ${writes} times, came to ${client} again and cannot be told from a new one: ${all}`)
  }

  /** Ids are the sender's name and a number. */
  #noteOrder(client: string, message: SentMessage, stamp: string | undefined): void {
    if (!message.isOrdered || message.writes > 1 || message.copies.some((it) => it.client === client)) return
    const at = message.id.lastIndexOf('-')
    const number = Number(message.id.slice(at + 1))
    const key = `${client} ${message.id.slice(0, at)}`
    const last = this.#lastSeen.get(key)
    if (last !== undefined && last > number) {
      if (stamp !== undefined) this.#late++
      else {
        this.#disordered++
        this.#fault(`${message.id} came to ${client} behind number ${last}, without a stamp`)
      }
    } else this.#lastSeen.set(key, number)
  }

  #fault(text: string): void {
    if (this.#faults.length < 20 && !this.#faults.includes(text)) this.#faults.push(text)
  }
}
