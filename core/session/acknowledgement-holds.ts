/**
 * Ack holds (design §5): promises that must settle before a stanza of a session counts as acknowledged. Whoever makes
 * something durable on the way of a stanza holds it; a hold that fails is reported with the stanza it belongs to.
 */
import type { Stanza } from '@beaconfire/plugin-sdk'

export class AcknowledgementHolds {
  /** Promises that have not settled, with the stanzas that wait for each: the rows of a batch share one. */
  readonly #open = new Map<Promise<unknown>, Stanza[]>()
  #settled: PromiseWithResolve | undefined
  readonly #onFailure: (stanza: Stanza, error: unknown) => void

  constructor(onFailure: (stanza: Stanza, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** @param stanza the stanza being handled, answered with an error when `durable` rejects */
  hold(durable: Promise<unknown>, stanza: Stanza | undefined): void {
    const waiting = this.#open.get(durable)
    if (waiting) {
      if (stanza && waiting.at(-1) !== stanza) waiting.push(stanza)
      return
    }
    this.#open.set(durable, stanza ? [stanza] : [])
    durable.then(
      () => this.#release(durable),
      (error: unknown) => {
        for (const held of this.#open.get(durable) ?? []) this.#onFailure(held, error)
        this.#release(durable)
      },
    )
  }

  /** Resolves when everything held so far has settled; undefined when nothing is held. */
  whenSettled(): Promise<void> | undefined {
    if (this.#open.size === 0) return undefined
    this.#settled ??= withResolve()
    return this.#settled.promise
  }

  #release(durable: Promise<unknown>): void {
    this.#open.delete(durable)
    if (this.#open.size > 0) return
    this.#settled?.resolve()
    this.#settled = undefined
  }
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
