/** Sends numbered messages, some at a time, and each again until the server has acknowledged it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { xml } from '@xmpp/client'
import type { Element } from 'ltx'
import { Client, type ServerAddress } from './client.js'
import type { Ledger } from './ledger.js'
import type { Random } from './random.js'

/** Messages that may wait to be acknowledged. */
const WINDOW = 40
const MOST_AT_ONCE = 8
const LONGEST_PAUSE_MS = 25
const LONGEST_TEXT = 400

/** Addresses of one recipient: bare, and those of its resources. */
export interface Recipient {
  readonly account: string
  readonly addresses: readonly string[]
}

interface Message {
  readonly id: string
  readonly account: string
  readonly to: string
  /** As it is written; the library changes what it is given. */
  readonly element: () => Element
}

export class Sender {
  readonly #client: Client
  readonly #ledger: Ledger
  readonly #random: Random
  readonly #recipients: readonly Recipient[]
  /** Written and not acknowledged, in order. */
  readonly #open = new Map<string, Message>()
  /** To be written again, before anything new. */
  #again: Message[] = []
  #count = 0
  #isEnding = false
  #isEnded = false

  constructor(username: string, server: ServerAddress, about: { ledger: Ledger; random: Random; recipients: readonly Recipient[] }) {
    this.#ledger = about.ledger
    this.#random = about.random
    this.#recipients = about.recipients
    this.#client = new Client(username, 'crash', server, {
      message: (it) => this.#answered(it),
      acknowledged: (id) => this.#acknowledged(id),
      rewritten: (id) => this.#rewritten(id),
      ready: (waitedFor) => this.#startOver(waitedFor),
    })
  }

  /** What waits to be acknowledged, or to be sent again. */
  get waiting(): number {
    return this.#open.size + this.#again.length
  }

  /** Sends until it is stopped. */
  async run(): Promise<void> {
    this.#client.connect()
    while (!this.#isEnded) {
      if (this.#client.isReady) this.#sendSome()
      await sleep(this.#random.between(0, LONGEST_PAUSE_MS))
    }
    await this.#client.leave()
  }

  /** No new messages: only what is not acknowledged is sent again. */
  finish(): void {
    this.#isEnding = true
  }
  stop(): void {
    this.#isEnded = true
  }

  #sendSome(): void {
    for (let left = this.#random.between(1, MOST_AT_ONCE); left > 0; left--) {
      const again = this.#again.shift()
      if (again) this.#write(again)
      else if (this.#isEnding || this.#open.size >= WINDOW) return
      else this.#write(this.#next())
    }
  }

  #next(): Message {
    const { account, addresses } = this.#random.of(this.#recipients)
    const to = this.#random.of(addresses)
    const id = `${this.#client.account.split('@')[0]}-${++this.#count}`
    const padding = 'x'.repeat(this.#random.between(0, LONGEST_TEXT))
    return {
      id,
      account,
      to,
      element: () => xml('message', { to, type: 'chat', id }, xml('body', {}, id), xml('padding', { xmlns: 'urn:example:padding' }, padding)),
    }
  }

  #write(message: Message): void {
    this.#note(message)
    this.#open.set(message.id, message)
    void this.#client.send(message.element())
  }

  #acknowledged(id: string): void {
    if (this.#open.delete(id)) this.#ledger.acknowledgedBy(id)
  }

  #rewritten(id: string): void {
    const message = this.#open.get(id)
    if (message) this.#note(message)
  }

  #note({ id, account, to }: Message): void {
    this.#ledger.written(id, account, to === account)
  }

  /** What the library does not wait for, on this session, may not have got through. */
  #startOver(waitedFor: ReadonlySet<string> | undefined): void {
    const left = [...this.#open.values()].filter(({ id }) => !waitedFor?.has(id))
    for (const { id } of left) this.#open.delete(id)
    this.#again = [...left, ...this.#again]
  }

  #answered(message: Element): void {
    if (message.attrs.type !== 'error') return
    const error = message.getChild('error')
    const condition = error?.getChildElements()[0]?.getName() ?? 'nothing'
    this.#ledger.refused(String(message.attrs.id), String(error?.attrs.type), condition)
  }
}
