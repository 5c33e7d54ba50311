/** Gives up on what does not settle. */
import type { MaybePromise } from '@beaconfire/plugin-sdk'

/** What a plugin may take for one step of its life unless another limit is given, in ms. */
export const STEP_LIMIT_MS = 10_000

/** The time was up. */
export class NotSettled extends Error {
  override readonly name = 'NotSettled'
}

/** @param what names the step in the error, such as `start()` @throws NotSettled when `work` has not settled after `limitMs` */
export async function withinLimit<T>(what: string, work: () => MaybePromise<T>, limitMs = STEP_LIMIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NotSettled(`${what} has not settled within ${limitMs / 1000} s`)), limitMs)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
