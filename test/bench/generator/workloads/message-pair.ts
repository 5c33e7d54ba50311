/** One sender and its recipient, with the times their messages left. */
import { ACKNOWLEDGEMENT_REQUEST, type ClientConnection } from '../client-connection.js'
import type { MarkedBodies, SequenceCheck } from '../marked-bodies.js'

export class MessagePair {
  readonly sender: ClientConnection
  /** Told of every message that came for the first time, with the ms it took. */
  onDelivery: (pair: MessagePair, latency: number) => void = () => {}
  readonly #number: number
  readonly #head: string
  readonly #bytes: number
  readonly #bodies: MarkedBodies
  readonly #check: SequenceCheck
  /** When each message left, by sequence number. */
  readonly #left: number[] = []
  /** Ms until the server took responsibility for each. */
  readonly acknowledgements: number[] = []
  #tail = '</body></message>'

  /** Of sessions 0 and 1, 2 and 3, and so on. */
  static of(sessions: readonly ClientConnection[], bodies: MarkedBodies, bytes: number): MessagePair[] {
    const pairs: MessagePair[] = []
    for (let at = 0; at + 1 < sessions.length; at += 2) {
      const [sender, recipient] = [sessions[at], sessions[at + 1]]
      if (sender && recipient) pairs.push(new MessagePair(pairs.length, sender, recipient, bodies, bytes))
    }
    return pairs
  }

  constructor(number: number, sender: ClientConnection, recipient: ClientConnection, bodies: MarkedBodies, bytes: number) {
    this.#number = number
    this.sender = sender
    this.#bytes = bytes
    this.#bodies = bodies
    this.#check = bodies.sequence()
    this.#head = `<message to='${recipient.full}' type='chat' id='m`
    recipient.handler = (stanza) => this.#receive(stanza)
    sender.handler = (stanza) => void bodies.read(stanza)
  }

  /** The sender asks for every message. Nothing else may be sent by it until `finish`. */
  acknowledged(): void {
    this.#tail += ACKNOWLEDGEMENT_REQUEST
    let count = 0
    this.sender.onAcknowledged = (handled) => {
      const now = performance.now()
      for (; count < Math.min(handled, this.#left.length); count++) this.acknowledgements.push(now - (this.#left[count] ?? now))
    }
  }

  /** Messages made so far. */
  get sent(): number {
    return this.#left.length
  }

  /** The next message, whose latency counts from `leaves`. */
  next(leaves: number): string {
    const sequence = this.#left.length
    this.#left.push(leaves)
    return `${this.#head}${sequence}'><body>${this.#bodies.text(this.#number, sequence, this.#bytes)}${this.#tail}`
  }

  /** Counts what never came. */
  finish(): void {
    this.#check.finish(this.#left.length)
  }

  #receive(stanza: string): void {
    const mark = this.#bodies.read(stanza)
    if (!mark) return
    const isMine = mark.sender === this.#number
    // A message of another pair is one too many here, and will be missed there.
    if (!isMine) this.#bodies.faults.duplicated++
    else if (this.#check.accept(mark.sequence)) this.onDelivery(this, performance.now() - (this.#left[mark.sequence] ?? 0))
  }
}
