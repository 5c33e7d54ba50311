/** A cache that cannot outgrow its limit: when the young generation is full it becomes the old one, and the old goes.
 *  What was asked for in time moves back to the young; nothing is counted or sorted. */
export class TwoGenerationMap<Value> {
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  readonly #generationLimit: number

  constructor(generationLimit: number) {
    this.#generationLimit = generationLimit
  }

  /** Entries held, twice the generation limit at most. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#generationLimit) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
