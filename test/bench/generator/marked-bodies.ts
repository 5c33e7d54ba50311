/** Marks in bodies, by which every delivery is known: whose it is, which it is, and that it belongs to this run. */
import { randomBytes } from 'node:crypto'
import type { Faults } from './request.js'

export interface Mark {
  readonly sender: number
  readonly sequence: number
}

/** Marks are `~b:<run>:<sender>:<sequence>:`, so that what an earlier run left behind is not counted. */
export class MarkedBodies {
  readonly faults: Faults = { lost: 0, duplicated: 0, outOfOrder: 0, errors: 0 }
  readonly #checks: SequenceCheck[] = []
  readonly #mark = `~b:${randomBytes(4).toString('hex')}:`

  /** A text of at least `bytes` bytes that needs no escaping. */
  text(sender: number, sequence: number, bytes = 0): string {
    return `${this.#mark}${sender}:${sequence}:`.padEnd(bytes, 'x')
  }

  /** @returns undefined for a stanza that is not of this run; counts errors */
  read(stanza: string): Mark | undefined {
    const start = stanza.indexOf(this.#mark)
    // The cheap look first: this runs for every stanza received.
    const isError = stanza.includes('error') && /^<[a-z]+\s[^>]*type=['"]error['"]/.test(stanza)
    if (isError) this.faults.errors++
    if (start < 0 || isError) return undefined
    const colon = stanza.indexOf(':', start + this.#mark.length)
    const end = stanza.indexOf(':', colon + 1)
    return { sender: Number(stanza.slice(start + this.#mark.length, colon)), sequence: Number(stanza.slice(colon + 1, end)) }
  }

  /** What one recipient gets from one sender. */
  sequence(): SequenceCheck {
    const check = new SequenceCheck(this.faults)
    this.#checks.push(check)
    return check
  }

  /** For a run that does not come to its end: what later ones have overtaken is lost. */
  giveUp(): void {
    for (const check of this.#checks) check.giveUp()
  }
}

/** Every number from 0 once and in order, or it is counted as what it is. */
export class SequenceCheck {
  readonly #faults: Faults
  /** Numbers that were jumped over and may still come. */
  readonly #skipped = new Set<number>()
  #next = 0

  constructor(faults: Faults) {
    this.#faults = faults
  }

  /** @returns false for a number that came before */
  accept(sequence: number): boolean {
    if (sequence === this.#next) {
      this.#next++
      return true
    }
    if (sequence > this.#next) {
      while (this.#next < sequence) this.#skipped.add(this.#next++)
      this.#next++
      return true
    }
    if (this.#skipped.delete(sequence)) {
      this.#faults.outOfOrder++
      return true
    }
    this.#faults.duplicated++
    return false
  }

  /** At the end, when `total` numbers should have come. */
  finish(total: number): void {
    this.#faults.lost += Math.max(0, total - this.#next)
    this.giveUp()
  }

  giveUp(): void {
    this.#faults.lost += this.#skipped.size
    this.#skipped.clear()
  }
}
