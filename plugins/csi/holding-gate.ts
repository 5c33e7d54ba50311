/** Keeps back what can wait for one client, the latest of its kind, until something comes that cannot. */
import type { ClientSession, OutgoingGate, Stanza } from '@beaconfire/plugin-sdk'
import { type Waiting, waitingKey } from './can-wait.js'

export interface GateSettings extends Waiting {
  readonly mostHeld: number
}

export class HoldingGate implements OutgoingGate {
  readonly #session: ClientSession
  readonly #settings: GateSettings
  readonly #onResumed: (gate: HoldingGate) => void
  /** By key, in the order they came: a later one of a key stands where it came. */
  #held = new Map<string, Stanza>()

  /** @param onResumed a resumed stream begins active (XEP-0352 §5.2): take the gate away */
  constructor(session: ClientSession, settings: GateSettings, onResumed: (gate: HoldingGate) => void) {
    this.#session = session
    this.#settings = settings
    this.#onResumed = onResumed
  }

  get session(): ClientSession {
    return this.#session
  }
  get held(): number {
    return this.#held.size
  }

  withholds(stanza: Stanza): boolean {
    const key = waitingKey(stanza, this.#settings)
    if (key === undefined) {
      this.releaseAll()
      return false
    }
    this.#held.delete(key)
    this.#held.set(key, stanza)
    if (this.#held.size > this.#settings.mostHeld) this.releaseAll()
    return true
  }

  resumed(): void {
    this.#onResumed(this)
  }

  releaseAll(): void {
    if (this.#held.size === 0) return
    const held = this.#held
    this.#held = new Map()
    for (const stanza of held.values()) this.#session.release(stanza)
  }
}
