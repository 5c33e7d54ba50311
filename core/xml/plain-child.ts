/** What a {@link StanzaScanner} has found, as a stanza or as an element. */
import { Element, Iq, Message, Presence, type Stanza } from '@beaconfire/plugin-sdk'
import type { StanzaScanner } from './stanza-scanner.js'

/** @returns undefined when it is no stanza */
export function plainStanza({ name, namespace, attributes, inner, children }: StanzaScanner): Stanza | undefined {
  if (namespace !== undefined) return undefined
  if (name === 'message') return new Message(attributes, inner, children)
  if (name === 'presence') return new Presence(attributes, inner, children)
  return name === 'iq' ? new Iq(attributes, inner, children) : undefined
}

/** An element of text alone that says its namespace, as those of SASL and XEP-0198 do. @returns undefined for what is left to the strict parser */
export function plainElement({ namespace, name, attributes, inner, children }: StanzaScanner): Element | undefined {
  if (namespace === undefined || children.length > 0 || inner.includes('&')) return undefined
  const el = new Element(name, { xmlns: namespace, ...attributes })
  if (inner !== '') el.t(inner)
  return el
}
