/** The mark of a stanza that is handed over from a store. */
import type { Stanza } from './stanza.js'

const KEPT = Symbol('a stored copy stays until this is acknowledged')

/**
 * Says that a stored copy of this stanza stays until `ClientSession.whenFlushed` has told that it arrived, or is no concern of this
 * delivery, as in an archive. Should the session end before, core does not give it back as it does with what it alone has, and the
 * delivery journal does not write it down once more.
 */
export function markKept<S extends Stanza>(stanza: S): S {
  stanza[KEPT] = true
  return stanza
}

export function isKept(stanza: Stanza): boolean {
  return stanza[KEPT] === true
}
