/** Getting and setting private XML (XEP-0049 §2): a request is checked whole before anything is done. */
import { childElements, Element, element, type IqHandler, type IqRequest, NS, namespaceOf, parseElement, StanzaError } from '@beaconfire/plugin-sdk'
import type { PrivateStorageConfig } from './config.js'
import type { PrivateData } from './private-data.js'
import { LONGEST_NAME, LONGEST_NAMESPACE, type PrivateElement, type PrivateStore } from './private-store.js'

export function privateRequests(store: PrivateStore, data: PrivateData, config: PrivateStorageConfig): IqHandler[] {
  async function read({ session, payload }: IqRequest): Promise<Element> {
    const asked = childElements(payload)
    if (asked.length === 0) throw new StanzaError('bad-request', { text: 'Name the element that is wanted.' })
    for (const it of asked) assertStorable(it)
    if (asked.length > 1) throw new StanzaError('not-acceptable', { text: 'Ask for one element at a time.' })
    const [wanted] = asked as [Element]
    const stored = await data.read(session.jid.bare(), wanted.getName(), namespaceOf(wanted))
    const found = stored ?? new Element(wanted.getName(), { xmlns: namespaceOf(wanted) })
    return element('query', { xmlns: NS.privateStorage }, found)
  }

  async function write({ session, payload }: IqRequest): Promise<void> {
    const given = childElements(payload)
    if (given.length === 0) throw new StanzaError('not-acceptable', { text: 'There is nothing to store.' })
    const elements = given.map((it) => storable(it, payload))
    if (elements.some((it) => Buffer.byteLength(it.privateData) > config.maxBytes)) {
      throw new StanzaError('policy-violation', { text: `An element has at most ${config.maxBytes} bytes.` })
    }
    if (!(await store.save(session.jid.local, elements, config.maxElements))) {
      throw new StanzaError('resource-constraint', { text: `At most ${config.maxElements} elements are kept.` })
    }
    for (const { name, namespace, privateData } of elements) await data.written(session.jid.bare(), name, namespace, parseElement(privateData))
  }

  const common = { namespace: NS.privateStorage, element: 'query', targets: ['own-account'] } as const
  return [
    { ...common, type: 'get', handle: read },
    { ...common, type: 'set', handle: write },
  ]
}

function storable(el: Element, query: Element): PrivateElement {
  assertStorable(el)
  // Prefixes may be declared on the query, which is not stored.
  for (const name in query.attrs) if (name.startsWith('xmlns:')) el.attrs[name] ??= query.attrs[name]
  return { name: el.getName(), namespace: namespaceOf(el), privateData: el.toString() }
}

/** @throws StanzaError not-acceptable for a name that cannot be stored, or a namespace that is reserved (§2.3) */
function assertStorable(el: Element): void {
  const namespace = namespaceOf(el)
  if (namespace === '' || isReserved(namespace)) throw new StanzaError('not-acceptable', { text: 'This namespace is not for private data.' })
  if (el.getName().length > LONGEST_NAME || namespace.length > LONGEST_NAMESPACE) {
    throw new StanzaError('not-acceptable', { text: 'The name or the namespace is too long.' })
  }
}

/** An element without a namespace of its own is among them: it has the query's. */
function isReserved(namespace: string): boolean {
  return namespace.startsWith('jabber:') || namespace.startsWith('http://jabber.org/') || namespace === NS.vcard
}
