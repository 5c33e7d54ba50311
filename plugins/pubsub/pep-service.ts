/** The typed service `pep`: accounts' nodes for other plugins. */
import { type Jid, NS, namespaceOf, type PepListener, type PepService, parseElement } from '@beaconfire/plugin-sdk'
import { type Engine, type ItemChange, itemLimit } from './engine.js'
import { assertFits, publish, retract } from './item-changes.js'
import { addNode, draftNode } from './node-changes.js'
import { selfContained } from './payload.js'

export class PepListeners {
  readonly #listeners = new Set<PepListener>()

  add(listener: PepListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** @param failed told of what a listener throws */
  async tell({ owner, node, published, retracted }: ItemChange, failed: (error: unknown) => void): Promise<void> {
    const change = { owner, node: node.id, published: published.map((it) => it.id), retracted }
    for (const listener of [...this.#listeners]) {
      try {
        await listener(change)
      } catch (error) {
        failed(error)
      }
    }
  }
}

export function pepService(engine: Engine, listeners: PepListeners): PepService {
  const { services, store } = engine
  const nodeOf = async (owner: Jid, id: string) => {
    const service = await services.of(owner)
    return { service, node: service.nodes.get(id) }
  }
  return {
    async publish(owner, id, { id: itemId, payload }, options = {}) {
      const fields = new Map(Object.entries(options).map(([name, value]) => [`pubsub#${name}`, [value]]))
      const draft = { id: itemId || undefined, payload: payload ? selfContained(payload) : '', namespace: payload && namespaceOf(payload) }
      const change = await services.change(owner, async (service) => {
        const form = { type: 'submit', formType: NS.pubsubNodeConfig, fields }
        const known = service.nodes.get(id)
        const node = known ?? draftNode(engine, service, id, owner, form)
        assertFits(node, [draft], itemLimit(node.config, engine.config))
        if (!known) await addNode(engine, service, node)
        return { owner, node, published: await publish(engine, service, node, [draft], owner), retracted: [] }
      })
      await engine.changed(change)
    },
    async items(owner, id, ids) {
      const { service, node } = await nodeOf(owner, id)
      if (!node) return []
      const wanted = ids ?? (await store.itemIds(service.id, id)).map((it) => it.id)
      const found = await store.items(service.id, id, wanted)
      return wanted.flatMap((it) => {
        const item = found.get(it)
        return item ? [{ id: it, payload: item.payload === '' ? undefined : parseElement(item.payload) }] : []
      })
    },
    async retract(owner, id, ids) {
      const change = await services.change(owner, async (service) => {
        const node = service.nodes.get(id)
        const there = node ? [...(await store.existing(service.id, id, ids))] : []
        if (!node || there.length === 0) return undefined
        await retract(engine, service, node, there, owner, undefined)
        return { owner, node, published: [], retracted: there }
      })
      if (change) await engine.changed(change)
    },
    async accessModel(owner, id) {
      return (await nodeOf(owner, id)).node?.config.accessModel
    },
    onChange: (listener) => listeners.add(listener),
  }
}
