/** The typed service `privateData`: other plugins stand behind some of the elements. */
import { type Element, type Jid, type Logger, type PrivateDataService, type PrivateDataSource, parseElement } from '@beaconfire/plugin-sdk'
import type { PrivateStore } from './private-store.js'

export class PrivateData implements PrivateDataService {
  readonly #store: Pick<PrivateStore, 'find'>
  readonly #log: Logger
  readonly #sources = new Set<PrivateDataSource>()

  constructor(store: Pick<PrivateStore, 'find'>, log: Logger) {
    this.#store = store
    this.#log = log
  }

  provide(source: PrivateDataSource): () => void {
    this.#sources.add(source)
    return () => void this.#sources.delete(source)
  }

  async find(user: Jid, name: string, namespace: string): Promise<Element | undefined> {
    const stored = await this.#store.find(user.local, { name, namespace })
    return stored === undefined ? undefined : parseElement(stored)
  }

  /** What a client gets. */
  async read(user: Jid, name: string, namespace: string): Promise<Element | undefined> {
    const stored = await this.find(user, name, namespace)
    const source = this.#sourceOf(name, namespace)
    return source ? source.read(user, stored) : stored
  }

  /** A client has stored this element. */
  async written(user: Jid, name: string, namespace: string, element: Element): Promise<void> {
    try {
      await this.#sourceOf(name, namespace)?.written(user, element)
    } catch (error) {
      this.#log.error({ username: user.local, error }, 'a plugin failed to follow a change of private data')
    }
  }

  #sourceOf(name: string, namespace: string): PrivateDataSource | undefined {
    for (const it of this.#sources) if (it.name === name && it.namespace === namespace) return it
    return undefined
  }
}
