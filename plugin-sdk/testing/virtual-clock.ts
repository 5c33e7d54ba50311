/** Time that stands still until the test moves it: timers, `Date` and `performance.now()` of the whole process, of plugins and of core alike. */
import { type Clock, install } from '@sinonjs/fake-timers'

/** Sockets, the database's threads and the runner's own timers are Node's, and go on as ever. */
const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] as const

/** The process has one time: a second clock would take it from the first. */
let installed: VirtualClock | undefined

export class VirtualClock {
  readonly #clock: Clock

  private constructor(startAt: Date | number) {
    this.#clock = install({ now: Number(startAt), toFake: [...FAKED] })
  }

  /** @param startAt when the test begins, for `Date`; the present unless given @throws Error while another is installed */
  static install(startAt: Date | number = Date.now()): VirtualClock {
    if (installed) throw new Error('a virtual clock is installed already: it is that of the process, so only one server of it may ask for one')
    installed = new VirtualClock(startAt)
    return installed
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.#clock.now
  }

  /**
   * Lets `ms` milliseconds pass: every timer due until then fires at its own time, in order, and what it starts is given its turn before
   * the next. A server has timers of a second or less, so that a day takes seconds of the test; see {@link jump}.
   */
  async advance(ms: number): Promise<void> {
    await this.#clock.tickAsync(ms)
    await turns()
  }

  /** As a machine that slept: it is `ms` milliseconds later, and timers due meanwhile fire once, now. */
  async jump(ms: number): Promise<void> {
    this.#clock.jump(ms)
    await turns()
  }

  /** Gives the process its own time back; timers that were set under this clock never fire. */
  uninstall(): void {
    if (installed !== this) return
    installed = undefined
    this.#clock.uninstall()
  }
}

/** What timers began without a socket or a thread goes on until it waits for one. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
