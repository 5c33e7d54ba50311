/** A stanza as the log keeps it: never with a password, and without what was said where that is not wanted. */
import { childElements, Element, type Stanza } from '@beaconfire/plugin-sdk'

const MAY_HOLD_SECRET = /passw|digest|secret/i
const SECRET_ELEMENT = /^(?:password|digest|secret)$/i
const SAID = new Set(['body', 'subject', 'html'])

export function shownStanza(packet: Stanza, bodies: boolean): string {
  const text = packet.toString()
  const hidesTexts = !bodies && packet.kind === 'message'
  if (!hidesTexts && !MAY_HOLD_SECRET.test(text)) return text
  const tree = packet.clone().element
  hideSecrets(tree)
  if (hidesTexts) for (const child of childElements(tree)) if (SAID.has(child.getName())) child.children = [`[${child.getText().length} characters]`]
  return tree.toString()
}

/** Passwords of registration (XEP-0077), login (XEP-0078) and rooms, and fields of forms that are named so. Depth is bounded by the server. */
function hideSecrets(parent: Element): void {
  for (const child of childElements(parent)) {
    const isSecretField = child.getName() === 'field' && MAY_HOLD_SECRET.test(String(child.attrs.var ?? ''))
    if (SECRET_ELEMENT.test(child.getName()) || isSecretField || child.attrs.type === 'text-private') {
      child.children = child.children.map((it) => (it instanceof Element ? new Element(it.getName(), it.attrs) : '[hidden]'))
    } else hideSecrets(child)
  }
}
