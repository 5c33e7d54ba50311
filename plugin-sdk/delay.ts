/** Delayed delivery (XEP-0203). */
import type { Jid } from './jid.js'
import { NS } from './namespaces.js'
import type { Stanza } from './stanza.js'

/** Adds `<delay/>` in place unless the stanza has one from the same entity; `at` is when it was first handled. */
export function stampDelay<S extends Stanza>(stanza: S, at: Date, from: Jid): S {
  const sender = from.toString()
  if (stanza.hasChild('delay', NS.delay) && stanza.child('delay', NS.delay)?.attrs.from === sender) return stanza
  stanza.appendLeaf('delay', NS.delay, { from: sender, stamp: at.toISOString() })
  return stanza
}
