/** The pubsub service at its own domain: requests, discovery, and owners' answers to subscription requests. */
import { type DomainStanza, type Element, Jid, type Message, NS, namespaceOf, type PluginDomain, StanzaError } from '@beaconfire/plugin-sdk'
import { serviceDiscovery } from './discovery.js'
import type { Engine } from './engine.js'
import { parseBoolean, submittedForm } from './forms.js'
import type { PubsubRequests } from './requests.js'
import { decide } from './subscription-changes.js'

export function serviceDomain(subdomain: string, address: Jid, engine: Engine, requests: PubsubRequests): PluginDomain {
  async function answer({ stanza, to }: DomainStanza, asker: Jid): Promise<Element | undefined> {
    if (stanza.kind !== 'iq' || !stanza.isRequest) return undefined
    const payload = stanza.payload
    if (!payload || !to.equals(address)) throw new StanzaError('service-unavailable')
    const namespace = namespaceOf(payload)
    if (namespace === NS.pubsub || namespace === NS.pubsubOwner) return requests.handle(stanza, payload, address, asker)
    const isDiscovery = namespace === NS.discoInfo || namespace === NS.discoItems
    if (isDiscovery && stanza.type === 'get' && payload.getName() === 'query') return serviceDiscovery(engine, address, payload, asker)
    throw new StanzaError('service-unavailable')
  }

  return {
    subdomain,
    name: 'Publish-Subscribe',
    async handle(request) {
      const { stanza, session } = request
      const asker = stanza.from ?? session.jid
      if (stanza.kind === 'iq') return answer(request, asker)
      if (stanza.kind === 'message' && stanza.type !== 'error') await decision(engine, address, stanza, asker)
      return undefined
    },
  }
}

/** XEP-0060 §8.6. Messages of any other kind are refused. @throws StanzaError */
async function decision(engine: Engine, address: Jid, message: Message, owner: Jid): Promise<void> {
  if (!message.hasChild('x', NS.dataForm)) throw new StanzaError('service-unavailable')
  const form = submittedForm(message.element)
  if (form?.type === 'cancel') return
  const value = (name: string) => form?.fields.get(`pubsub#${name}`)?.[0] ?? ''
  const [jid, allowed] = [Jid.tryParse(value('subscriber_jid')), parseBoolean(value('allow'))]
  if (form?.type !== 'submit' || form.formType !== NS.pubsubSubscribeAuthorization || !jid || allowed === undefined)
    throw new StanzaError('bad-request')
  await engine.services.change(address, async (service) => {
    const node = service.nodes.get(value('node'))
    if (!node) throw new StanzaError('item-not-found')
    await decide(engine, service, node, owner, jid, allowed)
  })
}
