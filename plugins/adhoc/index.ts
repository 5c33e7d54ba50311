/** Ad-hoc commands (XEP-0050): lists and runs what plugins contribute as `commands`. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { commandDiscovery } from './command-discovery.js'
import { CommandRequests } from './command-requests.js'
import { CommandSessions } from './command-sessions.js'
import { config } from './config.js'

export default definePlugin({
  name: 'adhoc',
  version: '0.1.0',
  description: 'Ad-hoc commands (XEP-0050)',
  config,

  setup({ admins, commands, config, domain, metrics, timers }) {
    const sessions = new CommandSessions(config, timers)
    metrics.gauge('sessions', 'Commands that wait for their next form', () => sessions.size)
    return {
      features: [NS.commands],
      discovery: commandDiscovery({ admins, commands, domain }),
      iqHandlers: [new CommandRequests({ admins, commands, domain, sessions }).handler()],
      hooks: { sessionClosed: ({ session }) => sessions.endAllOf(session.jid) },
    }
  },
})
