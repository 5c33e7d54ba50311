/**
 * Ack holds (design §5): promises that must settle before a stanza of a session counts as acknowledged. Whoever makes
 * something durable on the way of a stanza holds it; a hold that fails is reported with the stanza it belongs to.
 */
import type { Stanza } from '@beaconfire/plugin-sdk'
import { StoredTogether } from '../database/stored-together.js'

/** Stanzas that wait for one promise. */
interface Held {
  readonly stanzas: Stanza[]
  /** For each of them its row, where it is the promise of rows that are stored together; then a stanza is there for each of its rows. */
  readonly rows: number[] | undefined
  /** Number of the first of them, where the session counts. */
  first: number
}

export class AcknowledgementHolds {
  /** Promises that have not settled, with the stanzas that wait for each: the rows of a batch share one. */
  readonly #open = new Map<Promise<unknown>, Held>()
  #settled: PromiseWithResolve | undefined
  readonly #onFailure: (stanza: Stanza, error: unknown) => void
  readonly #onRelease: () => void

  /** @param onRelease something that was held is held no more */
  constructor(onFailure: (stanza: Stanza, error: unknown) => void, onRelease: () => void = () => {}) {
    this.#onFailure = onFailure
    this.#onRelease = onRelease
  }

  /**
   * @param stanza the stanza being handled, answered with an error when `durable` rejects
   * @param number its place among the stanzas of the session, from 1; 0 where nobody counts
   */
  hold(durable: Promise<unknown>, stanza: Stanza | undefined, number = 0): void {
    const waiting = this.#open.get(durable)
    if (waiting) {
      if (stanza) note(waiting, durable, stanza)
      return
    }
    const held: Held = { stanzas: [], rows: durable instanceof StoredTogether ? [] : undefined, first: number }
    if (stanza) note(held, durable, stanza)
    this.#open.set(durable, held)
    durable.then(
      () => {
        if (held.rows) this.#failRows(held.stanzas, held.rows, (durable as StoredTogether).refused)
        this.#release(durable, held)
      },
      (error: unknown) => {
        for (const one of new Set(held.stanzas)) this.#onFailure(one, error)
        this.#release(durable, held)
      },
    )
  }

  #failRows(stanzas: readonly Stanza[], rows: readonly number[], refused: ReadonlyMap<number, unknown> | undefined): void {
    if (!refused) return
    const failed = new Map<Stanza, unknown>()
    for (const [at, stanza] of stanzas.entries()) {
      const row = rows[at] as number
      if (refused.has(row)) failed.set(stanza, refused.get(row))
    }
    for (const [stanza, error] of failed) this.#onFailure(stanza, error)
  }

  /** How many of the session's stanzas may be acknowledged, of `handled`: those before the first that is held. */
  settledUpTo(handled: number): number {
    // They were made in the order of the stanzas: of those that count the first is that of the earliest stanza.
    for (const { first } of this.#open.values()) if (first > 0) return Math.min(handled, first - 1)
    return handled
  }

  /** The stanzas held so far do not count any more: they will come again. Their failures are still reported. */
  startOver(): void {
    for (const held of this.#open.values()) held.first = 0
  }

  /** Resolves when everything held so far has settled; undefined when nothing is held. */
  whenSettled(): Promise<void> | undefined {
    if (this.#open.size === 0) return undefined
    this.#settled ??= withResolve()
    return this.#settled.promise
  }

  #release(durable: Promise<unknown>, held: Held): void {
    if (this.#open.get(durable) === held) this.#open.delete(durable)
    if (this.#open.size === 0) this.#settle()
    this.#onRelease()
  }

  #settle(): void {
    this.#settled?.resolve()
    this.#settled = undefined
  }
}

function note({ stanzas, rows }: Held, durable: Promise<unknown>, stanza: Stanza): void {
  if (rows) {
    rows.push((durable as StoredTogether).last)
    stanzas.push(stanza)
  } else if (stanzas.at(-1) !== stanza) stanzas.push(stanza)
}

interface PromiseWithResolve {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function withResolve(): PromiseWithResolve {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
