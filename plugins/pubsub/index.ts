/** Publish-subscribe (XEP-0060): a service of its own, and one at every account (XEP-0163). */
import { definePlugin, type IqHandler, type IqRequest, Jid, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { Access } from './access.js'
import { config } from './config.js'
import { accountDiscovery } from './discovery.js'
import { defaultsOf, type Engine } from './engine.js'
import { LastItems } from './last-items.js'
import { Notifications } from './notifications.js'
import { PepListeners, pepService } from './pep-service.js'
import { PubsubStore } from './pubsub-store.js'
import { removeAccount } from './removed-account.js'
import { PubsubRequests } from './requests.js'
import { serviceDomain } from './service-domain.js'
import { PubsubServices } from './services.js'
import { tables } from './tables.js'

/** `serviceID` of the service, as Openfire has it. */
const SERVICE_ID = 'pubsub'

export default definePlugin({
  name: 'pubsub',
  version: '0.1.0',
  description: 'Publish-subscribe (XEP-0060) and personal eventing (XEP-0163)',
  requires: ['roster', 'presence', 'capabilities'],
  provides: ['pep'],
  config,
  tables,

  setup({ config, database, domain, log, metrics, route, services: { roster, capabilities }, sessions, timers }) {
    const address = config.subdomain === '' ? undefined : Jid.of(undefined, `${config.subdomain}.${domain.domain}`)
    const store = new PubsubStore(database, (id) => defaultsOf(id === SERVICE_ID ? 'service' : 'account', config))
    const services = new PubsubServices(store, { id: SERVICE_ID, jid: address ?? domain }, config.rememberedAccounts)
    const access = new Access(roster, domain)
    const listeners = new PepListeners()
    const engine: Engine = {
      services,
      store,
      access,
      notifications: new Notifications({ access, capabilities, roster, sessions, domain, route: (stanza) => route(stanza) }),
      config,
      timers,
      log,
      isLocalAccount: (jid) => jid.domain === domain.domain && jid.local !== '',
      changed: (change) =>
        listeners.tell(change, (error) => log.error({ owner: change.owner.toString(), error }, 'a plugin failed to follow a change')),
    }
    const requests = new PubsubRequests(engine)
    const lastItems = new LastItems(engine, roster, { domain, service: address, sessionsOf: (user) => sessions.ofUser(user) })
    const undo: (() => void)[] = []
    metrics.gauge('cached', 'Accounts whose nodes are in memory', () => services.size)

    function handle({ account, iq, payload, session }: IqRequest) {
      if (!account) throw new StanzaError('service-unavailable')
      return requests.handle(iq, payload, account, iq.from ?? session.jid)
    }
    const targets = ['own-account', 'other-account'] as const
    const iqHandlers: IqHandler[] = [NS.pubsub, NS.pubsubOwner].map((namespace) => ({ namespace, targets, handle }))

    return {
      iqHandlers,
      discovery: accountDiscovery(engine),
      domains: address ? [serviceDomain(config.subdomain, address, engine, requests)] : [],
      services: { pep: pepService(engine, listeners) },
      hooks: {
        resourceAvailable({ session, initial }) {
          if (initial) return lastItems.available(session)
        },
        userDeleted: ({ user }) => removeAccount(engine, user, address),
      },
      async start() {
        await store.start()
        undo.push(
          capabilities.onChange((change) => lastItems.interested(change)),
          roster.onSubscriptionChange((change) => lastItems.subscriptionChanged(change)),
        )
      },
      async stop() {
        for (const it of undo.splice(0)) it()
        await services.whenIdle()
      },
    }
  },
})
