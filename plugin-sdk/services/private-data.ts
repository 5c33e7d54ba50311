/** What the private-storage plugin offers to others: elements of private XML (XEP-0049) that are kept elsewhere as well. */
import type { Element } from '../element.js'
import type { Jid } from '../jid.js'

/** Stands behind one kind of element. */
export interface PrivateDataSource {
  readonly name: string
  readonly namespace: string
  /** What a client gets. @param stored what is in private storage, if anything */
  read(user: Jid, stored: Element | undefined): Promise<Element | undefined>
  /** Told when a client has stored the element. What it throws is logged. */
  written(user: Jid, element: Element): Promise<void>
}

export interface PrivateDataService {
  /** @returns the undo */
  provide(source: PrivateDataSource): () => void
  /** What is in private storage itself. */
  find(user: Jid, name: string, namespace: string): Promise<Element | undefined>
}
