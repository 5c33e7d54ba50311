/** Says every few seconds how far a long scan is. */
import type { CommandIo } from '../command.js'

const EVERY_MS = 2000

export class Progress {
  readonly #io: Pick<CommandIo, 'err' | 'isInteractive'>
  readonly #now: () => number
  #saidAt: number
  #hasLine = false

  constructor(io: Pick<CommandIo, 'err' | 'isInteractive'>, now = () => performance.now()) {
    this.#io = io
    this.#now = now
    this.#saidAt = now()
  }

  /** @param total rows the table has */
  at(table: string, done: number, total: number): void {
    if (this.#now() - this.#saidAt < EVERY_MS) return
    this.#saidAt = this.#now()
    const share = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100))
    const text = `${table}: ${done} of ${total} rows, ${share} %`
    this.#io.err(this.#io.isInteractive ? `\r${text}   ` : `${text}\n`)
    this.#hasLine = this.#io.isInteractive
  }

  end(): void {
    if (this.#hasLine) this.#io.err('\n')
    this.#hasLine = false
  }
}
