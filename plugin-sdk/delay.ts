/** Delayed delivery (XEP-0203). */
import { element } from './element.js'
import type { Jid } from './jid.js'
import { NS } from './namespaces.js'
import type { Stanza } from './stanza.js'

/** Adds `<delay/>` in place unless the stanza has one from the same entity; `at` is when it was first handled. */
export function stampDelay<S extends Stanza>(stanza: S, at: Date, from: Jid): S {
  const stamped = stanza.child('delay', NS.delay)
  if (stamped?.attrs.from === from.toString()) return stanza
  stanza.addChild(element('delay', { xmlns: NS.delay, from: from.toString(), stamp: at.toISOString() }))
  return stanza
}
