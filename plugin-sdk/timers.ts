/**
 * Timers that end with the plugin. A callback that throws is logged with the plugin's name. Any number of milliseconds will do, also of
 * months; what is below 0 is due at once, and what is no finite number is a RangeError.
 */
export interface Timer {
  cancel(): void
}

export interface Timers {
  /** Runs once after `ms` milliseconds. */
  after(ms: number, run: () => void | Promise<void>): Timer
  /** Runs every `ms` milliseconds, never twice at the same time; the first time after `ms`. */
  every(ms: number, run: () => void | Promise<void>): Timer
}
