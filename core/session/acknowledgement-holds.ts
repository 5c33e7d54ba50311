/**
 * Ack holds (design §5): promises that must settle before a stanza of a session counts as acknowledged. Whoever makes
 * something durable on the way of a stanza holds it; a hold that fails is reported with the stanza it belongs to.
 */
import type { Stanza } from '@beaconfire/plugin-sdk'

export class AcknowledgementHolds {
  #open = 0
  #lastHeld: Promise<unknown> | undefined
  #lastStanza: Stanza | undefined
  #settled: PromiseWithResolve | undefined
  readonly #onFailure: (stanza: Stanza | undefined, error: unknown) => void

  constructor(onFailure: (stanza: Stanza | undefined, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** @param stanza the stanza being handled, answered with an error when `durable` rejects */
  hold(durable: Promise<unknown>, stanza: Stanza | undefined): void {
    // The rows of a batch share one promise: a stanza held twice by the same batch is held once.
    if (durable === this.#lastHeld && stanza === this.#lastStanza) return
    this.#lastHeld = durable
    this.#lastStanza = stanza
    this.#open++
    durable.then(
      () => this.#release(),
      (error: unknown) => {
        this.#onFailure(stanza, error)
        this.#release()
      },
    )
  }

  /** Resolves when everything held so far has settled; undefined when nothing is held. */
  whenSettled(): Promise<void> | undefined {
    if (this.#open === 0) return undefined
    this.#settled ??= withResolve()
    return this.#settled.promise
  }

  #release(): void {
    this.#open--
    if (this.#open > 0) return
    this.#lastHeld = undefined
    this.#lastStanza = undefined
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
