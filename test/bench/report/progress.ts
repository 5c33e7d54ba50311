/** What is being done: one line that changes on a terminal, a line for each run elsewhere. */
import type { RunRecord } from '../run/run-record.js'

export class Progress {
  readonly #out: NodeJS.WriteStream
  readonly #startedAt = performance.now()
  #doing = ''

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out
  }

  doing(text: string, done: number, all: number): void {
    this.#doing = `[${done}/${all}] ${text}${this.#remaining(done, all)}`
    if (this.#out.isTTY) this.#show(this.#doing)
  }

  detail(text: string): void {
    if (this.#out.isTTY) this.#show(`${this.#doing}: ${text}`)
  }

  ran(run: RunRecord): void {
    const rates = run.parts.map((it) => `${it.name ? `${it.name} ` : ''}${it.perCpuSecond ?? '-'} per CPU-s, ${it.perSecond}/s`).join('; ')
    const memory = run.idle ? `${(run.idle.bytesPerConnection / 1024).toFixed(1)} KiB each, ` : ''
    this.line(`${run.round} ${run.scenario} ${run.server}: ${run.ok ? '' : `NOT OK: ${run.error} `}${memory}${rates}`)
  }

  /** A line that stays. */
  line(text: string): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K')
    this.#out.write(`${text}\n`)
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K')
  }

  #show(text: string): void {
    this.#out.write(`\r\x1b[K${text.slice(0, (this.#out.columns ?? 80) - 1)}`)
  }

  #remaining(done: number, all: number): string {
    if (done < 2) return ''
    const seconds = ((performance.now() - this.#startedAt) / 1000 / done) * (all - done)
    return `, about ${seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`} left`
  }
}
