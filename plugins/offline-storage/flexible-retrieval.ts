/** Flexible offline message retrieval (XEP-0013): a client takes and deletes kept messages one by one, or all at once. */
import {
  type ClientSession,
  childElements,
  type Element,
  element,
  findChild,
  type IqHandler,
  isClientSession,
  type Jid,
  markKept,
  NS,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { HandOver } from './hand-over.js'
import { keptStanza } from './kept-stanza.js'
import type { MailboxSizes } from './mailbox-sizes.js'
import type { KeptMessage, OfflineStore } from './offline-store.js'

const PAGE = 100
const MOST_ITEMS = 1000

export interface RetrievalCollaborators {
  readonly store: OfflineStore
  readonly sizes: MailboxSizes
  readonly handOver: HandOver
  readonly domain: Jid
}

export function flexibleRetrieval({ store, sizes, handOver, domain }: RetrievalCollaborators): IqHandler {
  async function serve(session: ClientSession, kept: readonly KeptMessage[]): Promise<void> {
    for (const it of kept) {
      const message = keptStanza(it, domain)
      if (!message) continue
      message.addChild(element('offline', { xmlns: NS.offline }, element('item', { node: nodeOf(it) })))
      await session.deliver(markKept(message))
    }
  }

  async function fetchAll(session: ClientSession): Promise<void> {
    await store.whenIdle()
    let after: KeptMessage | undefined
    do {
      const page = await store.read(session.jid.local, PAGE, after)
      // What another session may have is given too: a client that has fetched everything often deletes everything next.
      const notForIt = handOver.onTheirWay.notFor(session)
      await serve(session, notForIt ? page.filter((it) => notForIt.get(it.messageID) !== false) : page)
      after = page.at(-1)
    } while (after && session.isOpen)
  }

  /** The messages of the items, all of which must be there. @throws StanzaError */
  async function named(session: ClientSession, query: Element, action: 'view' | 'remove'): Promise<KeptMessage[]> {
    const items = childElements(query).filter((it) => it.getName() === 'item')
    if (items.length === 0 || items.some((it) => it.attrs.action !== action)) throw new StanzaError('bad-request')
    if (items.length > MOST_ITEMS) throw new StanzaError('policy-violation', { text: `At most ${MOST_ITEMS} items at once.` })
    await store.whenIdle()
    const nodes = new Set(items.map((it) => String(it.attrs.node)))
    const found = await store.find(session.jid.local, [...nodes].map(idOf))
    const matching = found.filter((it) => nodes.has(nodeOf(it)))
    if (matching.length < nodes.size) throw new StanzaError('item-not-found')
    return matching
  }

  async function remove(session: ClientSession, query: Element): Promise<void> {
    const { local } = session.jid
    if (findChild(query, 'purge')) await store.removeAll(local)
    else {
      const kept = await named(session, query, 'remove')
      await store.remove(
        local,
        kept.map((it) => it.messageID),
      )
    }
    sizes.forget(local)
  }

  return {
    namespace: NS.offline,
    element: 'offline',
    async handle({ iq, payload, session }) {
      if (!isClientSession(session)) throw new StanzaError('forbidden')
      // §2: a client that asks before it is available wants to choose, and must not get everything with its presence.
      if (!session.isAvailable) handOver.doNotFlood(session)
      if (iq.type === 'set') await remove(session, payload)
      else if (findChild(payload, 'fetch')) await fetchAll(session)
      else await serve(session, await named(session, payload, 'view'))
    },
  }
}

/** §2.3: in order of time when sorted as text, and unique, which the time alone is not. */
export function nodeOf({ createdAt, messageID }: KeptMessage): string {
  return `${createdAt.toISOString()}#${messageID}`
}

/** @throws StanzaError item-not-found for a node that is none of ours */
function idOf(node: string): number {
  const id = /#(\d{1,15})$/.exec(node)?.[1]
  if (id === undefined) throw new StanzaError('item-not-found')
  return Number(id)
}
