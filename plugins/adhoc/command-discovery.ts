/** The list of commands, and each of them, in service discovery (XEP-0050 §2.1, §2.2): to each who asks, what they may run. */
import { type DiscoveryProvider, type DiscoveryQuery, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { type CommandCollaborators, mayRun } from './command-requests.js'

export function commandDiscovery(server: Omit<CommandCollaborators, 'sessions'>): DiscoveryProvider {
  const find = ({ target, node }: DiscoveryQuery) => (target === 'server' && node !== undefined ? server.commands.find(node) : undefined)
  const isList = ({ target, node }: DiscoveryQuery) => target === 'server' && node === NS.commands
  return {
    info(query) {
      if (isList(query)) {
        return {
          identities: [{ category: 'automation', type: 'command-list', name: 'Commands' }],
          features: [NS.discoInfo, NS.discoItems, NS.commands],
        }
      }
      const command = find(query)
      if (!command) return undefined
      if (!mayRun(command, query.asker, server)) throw new StanzaError('forbidden')
      return { identities: [{ category: 'automation', type: 'command-node', name: command.name }], features: [NS.commands, NS.dataForm] }
    },
    items(query) {
      if (isList(query)) {
        const visible = server.commands.list().filter((command) => mayRun(command, query.asker, server))
        return { items: visible.map(({ node, name }) => ({ jid: server.domain, node, name })) }
      }
      const command = find(query)
      if (!command) return undefined
      if (!mayRun(command, query.asker, server)) throw new StanzaError('forbidden')
      return { items: [] }
    },
  }
}
