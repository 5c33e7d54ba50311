/** How long to wait after failures. */

export interface BackOff {
  readonly firstRetryMs: number
  readonly longestRetryMs: number
}

/**
 * Doubled with each failure, up to the longest, and up to a fifth less, so that many senders do not come back at once.
 * @param failures in a row, from 1 @param random 0..1
 */
export function waitAfter(failures: number, { firstRetryMs, longestRetryMs }: BackOff, random = Math.random()): number {
  const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 40))
  return Math.round(wait * (1 - random / 5))
}
