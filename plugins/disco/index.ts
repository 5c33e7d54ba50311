/** Service discovery (XEP-0030): what the server and its accounts are and can do, as all running plugins contribute it. */
import { definePlugin, type Identity, NS } from '@beaconfire/plugin-sdk'
import { discoveryQueries } from './discovery-queries.js'
import { ServerInfo } from './server-info.js'

/** What is there without any plugin (XEP-0030 registrar: a server that carries instant messages). */
const SERVER: Identity = { category: 'server', type: 'im', name: 'Beaconfire' }

export default definePlugin({
  name: 'disco',
  version: '0.2.0',
  description: 'Service discovery (XEP-0030), and the capabilities of the server (XEP-0115, XEP-0390)',
  requires: ['roster'],

  setup({ discovery, domain, log, services, sessions }) {
    const serverInfo = new ServerInfo(discovery, domain, log)
    return {
      features: [NS.discoInfo, NS.discoItems],
      identities: [SERVER],
      streamFeatures: [
        { when: 'after-authentication', element: () => serverInfo.legacyCaps() },
        { when: 'after-authentication', element: () => serverInfo.caps() },
      ],
      iqHandlers: discoveryQueries({ discovery, domain, serverInfo, roster: services.roster, sessions }),
    }
  },
})
