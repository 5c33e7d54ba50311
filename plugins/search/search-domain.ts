/** The directory at a domain of its own, as Openfire has it: requests, and what it says in service discovery. */
import { type DomainStanza, type Element, element, NS, namespaceOf, type PluginDomain, StanzaError } from '@beaconfire/plugin-sdk'
import type { Searches } from './searches.js'

const FEATURES = [NS.discoInfo, NS.discoItems, NS.search, NS.resultSet]

export function searchDomain(subdomain: string, searches: Searches): PluginDomain {
  return {
    subdomain,
    name: 'User search',
    handle({ stanza, to, session }) {
      if (stanza.kind === 'presence') return
      if (stanza.kind === 'message' || to.local !== '' || to.isFull) throw new StanzaError('service-unavailable')
      if (!stanza.isRequest) return
      const payload = stanza.payload
      if (payload?.getName() !== 'query') throw new StanzaError('service-unavailable')
      if (namespaceOf(payload) === NS.search) return searches.answer(stanza, payload, session)
      return discovery(stanza, payload)
    },
  }
}

function discovery(stanza: DomainStanza['stanza'], payload: Element): Element {
  const namespace = namespaceOf(payload)
  if (stanza.type !== 'get' || (namespace !== NS.discoInfo && namespace !== NS.discoItems)) throw new StanzaError('service-unavailable')
  if (payload.attrs.node !== undefined) throw new StanzaError('item-not-found')
  if (namespace === NS.discoItems) return element('query', { xmlns: NS.discoItems })
  return element(
    'query',
    { xmlns: NS.discoInfo },
    element('identity', { category: 'directory', type: 'user', name: 'User search' }),
    ...FEATURES.map((feature) => element('feature', { var: feature })),
  )
}
