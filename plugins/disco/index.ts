/** Service discovery (XEP-0030): what the server and its accounts are and can do, as all running plugins contribute it. */
import {
  definePlugin,
  type Element,
  element,
  type Identity,
  type IqRequest,
  isClientSession,
  type Jid,
  NS,
  type RosterService,
  StanzaError,
} from '@beaconfire/plugin-sdk'

/** Identities that are there without any plugin (XEP-0030 registrar: a server that carries instant messages; an account on it). */
const SERVER: Identity = { category: 'server', type: 'im', name: 'Beaconfire' }
const ACCOUNT: Identity = { category: 'account', type: 'registered' }

export default definePlugin({
  name: 'disco',
  version: '0.1.0',
  description: 'Service discovery (XEP-0030)',
  requires: ['roster'],

  setup({ discovery, domain, services }) {
    return {
      features: [NS.discoInfo, NS.discoItems],
      identities: [SERVER],
      iqHandlers: [
        {
          namespace: NS.discoInfo,
          element: 'query',
          type: 'get',
          targets: ['server', 'own-account', 'other-account'],
          async handle(request) {
            refuseNodes(request)
            if (addressesServer(request, domain)) return info(discovery.identities(), discovery.features())
            await assertMayAsk(request, services.roster)
            return info([ACCOUNT], [NS.discoInfo, NS.discoItems])
          },
        },
        {
          namespace: NS.discoItems,
          element: 'query',
          type: 'get',
          targets: ['server', 'own-account', 'other-account'],
          async handle(request) {
            refuseNodes(request)
            if (!addressesServer(request, domain)) await assertMayAsk(request, services.roster)
            return element('query', { xmlns: NS.discoItems })
          },
        },
      ],
    }
  },
})

/** No node is known here: plugins with nodes of their own answer in their own namespaces. */
function refuseNodes({ payload }: IqRequest): void {
  if (payload.attrs.node !== undefined) throw new StanzaError('item-not-found')
}

function addressesServer({ target, iq }: IqRequest, domain: Jid): boolean {
  return target === 'server' && (iq.to ?? domain).domain === domain.domain
}

/** XEP-0030 §8: an account tells who may see its presence, and nobody else, that it is there. */
async function assertMayAsk({ target, account, session }: IqRequest, roster: RosterService): Promise<void> {
  if (target !== 'other-account' || !account) return
  const item = isClientSession(session) ? await roster.item(account, session.jid) : undefined
  if (item?.subscription !== 'from' && item?.subscription !== 'both') throw new StanzaError('service-unavailable')
}

function info(identities: readonly Identity[], features: readonly string[]): Element {
  return element(
    'query',
    { xmlns: NS.discoInfo },
    ...identities.map(({ category, type, name }) => element('identity', { category, type, name })),
    ...features.map((feature) => element('feature', { var: feature })),
  )
}
