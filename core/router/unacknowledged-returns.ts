/** What becomes of the stanzas that an ended session had not acknowledged (XEP-0198 §4, RFC 6121 §8.5.3.2). */
import { type Jid, type Logger, type Message, parseStanza, type Stanza, StanzaError } from '@beaconfire/plugin-sdk'
import type { GiveBack } from './give-back.js'

/** A stanza as the session held it. */
export interface Leftover {
  readonly xml: string
  readonly at: number
  readonly isKept: boolean
  readonly others: readonly { readonly isOpen: boolean }[] | undefined
}

/** Pauses between tries while nothing can be stored, in ms: some minutes in all. */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000, 60_000, 60_000]

const AT_ONCE = 500

export class UnacknowledgedReturns {
  readonly #giveBack: GiveBack
  readonly #log: Logger
  /** Messages to several sessions, each known by the list of them. */
  readonly #givenBack = new WeakSet<object>()
  #isStopping = false
  /** Ends the pauses. */
  #wake: (() => void)[] = []

  constructor(giveBack: GiveBack, log: Logger) {
    this.#giveBack = giveBack
    this.#log = log
  }

  /** There is no time for pauses any more. */
  stop(): void {
    this.#isStopping = true
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Presence is not sent again, and results are wanted by nobody. @returns true when everything is durable. Never rejects */
  async all(left: readonly Leftover[], owner: Jid): Promise<boolean> {
    const wanted = left.filter((it) => !it.isKept && !it.xml.startsWith('<presence'))
    let isDone = true
    // Begun in order and not waited for one by one, so that they go to the disk together.
    for (let start = 0; start < wanted.length; start += AT_ONCE) {
      const outcomes = await Promise.all(wanted.slice(start, start + AT_ONCE).map((it) => this.#one(it, owner)))
      isDone &&= !outcomes.includes(false)
    }
    return isDone
  }

  async #one(left: Leftover, owner: Jid): Promise<boolean> {
    const stanza = parseStanza(left.xml)
    if (stanza.kind === 'iq') {
      await this.#answered(stanza)
      return true
    }
    if (stanza.kind !== 'message' || isFromAccount(stanza, owner) || this.#hasReached(left, stanza)) return true
    for (let tries = 0; ; tries++) {
      try {
        await this.#giveBack.message(tries === 0 ? stanza : stanza.clone(), owner.bare(), new Date(left.at))
        return true
      } catch (error) {
        const pause = PAUSES_MS[tries]
        this.#log.error({ jid: owner.toString(), stanzaId: stanza.id, error, pause }, 'an unacknowledged message could not be given back')
        if (pause === undefined || this.#isStopping) break
        await this.#pause(pause)
      }
    }
    await this.#giveBack.bounce(stanza, new StanzaError('internal-server-error', { type: 'wait' }))
    return false
  }

  /** RFC 6121 §8.5.3.2.3. */
  async #answered(stanza: Stanza): Promise<void> {
    try {
      await this.#giveBack.bounce(stanza, new StanzaError('service-unavailable'))
    } catch (error) {
      this.#log.error({ stanzaId: stanza.id, error }, 'the sender of an unacknowledged request could not be told')
    }
  }

  /** A message to the account that another of its sessions has, or that was given back by another, is not lost with this one. */
  #hasReached({ others }: Leftover, message: Message): boolean {
    if (message.to?.resource !== '' || others === undefined) return false
    if (this.#givenBack.has(others) || others.some((it) => it.isOpen)) return true
    this.#givenBack.add(others)
    return false
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

/** Copies, results and notices that the server made for this one session: not messages of anybody's. */
function isFromAccount(message: Message, owner: Jid): boolean {
  return message.from?.equals(owner.bare()) ?? false
}
