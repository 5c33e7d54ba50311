/** Private XML storage (XEP-0049): what clients keep on the server for themselves, such as bookmarks and notes. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { foreignData } from './foreign-data.js'
import { PrivateData } from './private-data.js'
import { privateRequests } from './private-requests.js'
import { PrivateStore, tables } from './private-store.js'

export default definePlugin({
  name: 'private-storage',
  version: '0.1.0',
  description: 'Private XML storage (XEP-0049)',
  provides: ['privateData'],
  config,
  tables,

  setup({ config, database, domain, log }) {
    const store = new PrivateStore(database, domain.domain, log)
    const privateData = new PrivateData(store, log)
    return {
      start: () => store.start(),
      features: [NS.privateStorage],
      interceptors: [foreignData(domain)],
      iqHandlers: privateRequests(store, privateData, config),
      services: { privateData },
      hooks: { userDeleted: ({ user }) => store.removeAll(user.local) },
    }
  },
})
