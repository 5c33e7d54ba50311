/** Keeps what a client has not read below what would end its session (`limits.outboundBytes`). */
import type { ClientSession } from '@beaconfire/plugin-sdk'

/** Characters: with all that they can grow by in UTF-8, less than the least an operator can set. */
const MOST_UNREAD = 48 * 1024

export class Pace {
  readonly #session: ClientSession
  readonly #within: (arrival: Promise<void>) => Promise<void>
  /** Two parts, the older of which is waited for while the other is on its way: some clients never acknowledge the last that they got. */
  #older = 0
  #younger = 0
  #olderArrives: Promise<void> = Promise.resolve()

  /** @param within waits for what was handed over, as long as one may for this session; never rejects */
  constructor(session: ClientSession, within: (arrival: Promise<void>) => Promise<void>) {
    this.#session = session
    this.#within = within
  }

  /** True when so many characters more may be handed over at once; else wait for `room` first. */
  take(characters: number): boolean {
    if (this.#older + this.#younger + characters > MOST_UNREAD && this.#older + this.#younger > 0) return false
    this.#younger += characters
    if (this.#older === 0 && this.#younger > MOST_UNREAD / 2) this.#turn()
    return true
  }

  /** Resolves when some of what was handed over has arrived. */
  async room(): Promise<void> {
    if (this.#older === 0) this.#turn()
    await this.#within(this.#olderArrives)
    this.#older = 0
  }

  #turn(): void {
    this.#older = this.#younger
    this.#younger = 0
    this.#olderArrives = this.#session.whenFlushed().catch(() => {}) // a session that has ended is told by what is done next
  }
}
