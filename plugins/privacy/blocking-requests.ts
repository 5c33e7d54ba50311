/** The blocking command (XEP-0191): a block list that is the denied addresses of the default privacy list (§5). */
import {
  childElements,
  type Element,
  element,
  type IqHandler,
  type IqRequest,
  isClientSession,
  type Jid,
  NS,
  namespaceOf,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import { BLOCK_LIST, defaultList, withBlocks, withoutBlocks } from './account-lists.js'
import type { Changed, Changes } from './changes.js'
import type { PrivacyConfig } from './config.js'
import type { KnownLists } from './known-lists.js'
import { badRequest, readJid } from './list-xml.js'
import { blockedItem, type Pushes } from './pushes.js'
import type { SessionPrivacy } from './session-privacy.js'

export interface BlockingCollaborators {
  readonly known: KnownLists
  readonly state: SessionPrivacy
  readonly changes: Changes
  readonly pushes: Pushes
  readonly limits: Pick<PrivacyConfig, 'maxItems'>
}

export function blockingHandlers(server: BlockingCollaborators): IqHandler[] {
  const common = { namespace: NS.blocking, targets: ['own-account'] } as const
  return [
    { ...common, element: 'blocklist', type: 'get', handle: (request) => blockList(server, request) },
    { ...common, element: 'block', type: 'set', handle: (request) => block(server, request) },
    { ...common, element: 'unblock', type: 'set', handle: (request) => unblock(server, request) },
  ]
}

async function blockList({ known, state }: BlockingCollaborators, { session }: IqRequest): Promise<Element> {
  if (!isClientSession(session)) throw new StanzaError('forbidden')
  const blocked = defaultList(await known.of(session.jid.local))?.blocked() ?? []
  state.noteBlockListAsked(session)
  return element('blocklist', { xmlns: NS.blocking }, ...blocked.map(blockedItem))
}

async function block(server: BlockingCollaborators, { session, payload }: IqRequest): Promise<void> {
  const jids = readItems(payload)
  if (jids.length === 0) throw badRequest('Name the addresses to block.')
  const user = session.jid.bare()
  const changed = await server.changes.change(user, (lists) => withBlocks(lists, jids, server.limits.maxItems), false)
  server.pushes.blocked(user, jids)
  pushList(server, user, changed)
}

async function unblock(server: BlockingCollaborators, { session, payload }: IqRequest): Promise<void> {
  const jids = readItems(payload)
  const user = session.jid.bare()
  const changed = await server.changes.change(user, (lists) => withoutBlocks(lists, jids.length === 0 ? undefined : jids), false)
  server.pushes.unblocked(user, jids)
  pushList(server, user, changed)
}

function pushList({ pushes }: BlockingCollaborators, user: Jid, { before, after }: Changed): void {
  if (before !== after) pushes.listChanged(user, after.defaultName ?? before.defaultName ?? BLOCK_LIST, false)
}

/** Without doubles. @throws StanzaError bad-request for what is no item, jid-malformed */
function readItems(payload: Element): Jid[] {
  const jids = childElements(payload).map((item) => {
    const { jid } = item.attrs as Record<string, unknown>
    if (item.getName() !== 'item' || namespaceOf(item) !== NS.blocking) throw badRequest('A block list holds items.')
    if (typeof jid !== 'string') throw badRequest('An item needs a jid.')
    return readJid(jid)
  })
  return [...new Map(jids.map((jid) => [jid.toString(), jid])).values()]
}
