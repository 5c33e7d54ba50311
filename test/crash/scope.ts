/** What a run has to put away at its end, latest first. */
import type { TestScope } from '@beaconfire/plugin-sdk/testing'

export class Scope implements TestScope {
  readonly #cleanUps: (() => Promise<void>)[] = []

  after(cleanUp: () => Promise<void>): void {
    this.#cleanUps.push(cleanUp)
  }

  async end(): Promise<void> {
    for (let cleanUp = this.#cleanUps.pop(); cleanUp; cleanUp = this.#cleanUps.pop()) await cleanUp()
  }
}
