/** User search (XEP-0055): a directory of the server's accounts, for its accounts. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { Directory } from './directory.js'
import { searchDomain } from './search-domain.js'
import { Searches } from './searches.js'

export default definePlugin({
  name: 'search',
  version: '0.1.0',
  description: 'User search (XEP-0055)',
  requires: ['roster'],
  config,

  setup({ accounts, admins, config, domain, services }) {
    if (!config.enabled) return {}
    const searches = new Searches(new Directory({ accounts, admins, domain, config, roster: services.roster }), accounts, config)
    return {
      features: [NS.search],
      domains: [searchDomain(config.subdomain, searches)],
      iqHandlers: [
        {
          namespace: NS.search,
          element: 'query',
          targets: ['server'],
          handle: ({ iq, payload, session }) => searches.answer(iq, payload, session),
        },
      ],
    }
  },
})
