/** An error in answer to a registration or a change of password does not repeat the request: the password would travel back (XEP-0077 §3.3). */
import { type Iq, isPromise, type MaybePromise, NS } from '@beaconfire/plugin-sdk'

/** @throws what `handle` throws, once nothing is left in the request that an error could repeat */
export function withoutPasswords<T>(iq: Iq, handle: () => MaybePromise<T>): MaybePromise<T> {
  const clean = (error: unknown): never => {
    iq.removeChildren('query', NS.register)
    throw error
  }
  try {
    const done = handle()
    return isPromise(done) ? done.catch(clean) : done
  } catch (error) {
    return clean(error)
  }
}
