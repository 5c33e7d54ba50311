/** A set of the last keys it was given: when one half is full the other is forgotten. */
const HALF = 5000

export class RecentKeys {
  #young = new Set<string>()
  #old = new Set<string>()

  /** @returns false when the key was there already */
  add(key: string): boolean {
    if (this.#young.has(key) || this.#old.has(key)) return false
    if (this.#young.size >= HALF) {
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(key)
    return true
  }
}
