/** What an account leaves behind at all services, once it goes. */
import type { Jid } from '@beaconfire/plugin-sdk'
import type { Engine } from './engine.js'
import { deleteNode } from './node-changes.js'

/** Its own nodes, those it alone owned at the service, its subscriptions and affiliations. @param address of the service, if there is one */
export async function removeAccount(engine: Engine, user: Jid, address: Jid | undefined): Promise<void> {
  const { services, store } = engine
  const key = user.toString()
  await services.change(user, async (service) => {
    await store.deleteAccount(key)
    service.nodes.clear()
  })
  if (address) {
    await services.change(address, async (service) => {
      for (const node of [...service.nodes.values()]) {
        const owners = [...node.affiliations].filter(([, it]) => it === 'owner')
        if (owners.every(([jid]) => jid === key) && owners.length > 0) await deleteNode(engine, service, node, undefined)
      }
    })
  }
  for (const { nodes } of services.loaded()) {
    for (const node of nodes.values()) {
      node.affiliations.delete(key)
      for (const [jid, it] of node.subscriptions) if (it.jid.bare().equals(user)) node.subscriptions.delete(jid)
    }
  }
}
