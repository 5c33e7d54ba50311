/** Collects the promises of many deliveries: while none returns one, nothing is allocated and nobody waits. */
import { isPromise, type MaybePromise } from '@beaconfire/plugin-sdk'

export class PendingDeliveries {
  #promises: Promise<unknown>[] | undefined

  add(delivered: MaybePromise<unknown>): void {
    if (!isPromise(delivered)) return
    this.#promises ??= []
    this.#promises.push(delivered)
  }

  /** Nothing, or a promise that resolves when all that was added is done. */
  done(): MaybePromise<void> {
    return this.#promises && Promise.all(this.#promises).then(() => {})
  }
}
