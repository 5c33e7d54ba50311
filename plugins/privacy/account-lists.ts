/** All privacy lists of an account, as a value: a change makes another. */
import { type Jid, StanzaError } from '@beaconfire/plugin-sdk'
import { isBlock, type PrivacyItem, PrivacyList } from './privacy-list.js'

/** The list that the blocking command makes, as Openfire names it. */
export const BLOCK_LIST = 'blocklist'

export interface AccountLists {
  /** Names a list that is there. */
  readonly defaultName: string | undefined
  readonly lists: ReadonlyMap<string, PrivacyList>
}

export const NO_LISTS: AccountLists = { defaultName: undefined, lists: new Map() }

export function defaultList({ defaultName, lists }: AccountLists): PrivacyList | undefined {
  return defaultName === undefined ? undefined : lists.get(defaultName)
}

export function withList(before: AccountLists, list: PrivacyList): AccountLists {
  return { ...before, lists: new Map(before.lists).set(list.name, list) }
}

/** Without it there is no default list either, where it was that. */
export function withoutList({ defaultName, lists }: AccountLists, name: string): AccountLists {
  const left = new Map(lists)
  left.delete(name)
  return { defaultName: defaultName === name ? undefined : defaultName, lists: left }
}

export function withDefault({ lists }: AccountLists, name: string | undefined): AccountLists {
  return { defaultName: name, lists }
}

/** Blocks these before anything else the default list says (XEP-0191 §5). @throws StanzaError resource-constraint beyond `maxItems` */
export function withBlocks(before: AccountLists, jids: readonly Jid[], maxItems: number): AccountLists {
  const name = before.defaultName ?? BLOCK_LIST
  const items = before.lists.get(name)?.items ?? []
  const blocks = jids.map((jid): PrivacyItem => ({ order: 0, action: 'deny', match: { type: 'jid', jid }, parts: undefined }))
  const next = [...blocks, ...items.filter((item) => !blocksOneOf(item, jids))]
  if (next.length > maxItems) throw new StanzaError('resource-constraint', { text: `At most ${maxItems} addresses and rules are kept.` })
  return withDefault(withList(before, renumbered(name, next)), name)
}

/** @param jids undefined for all */
export function withoutBlocks(before: AccountLists, jids: readonly Jid[] | undefined): AccountLists {
  const list = defaultList(before)
  if (!list) return before
  const left = list.items.filter((item) => (jids ? !blocksOneOf(item, jids) : !isBlock(item)))
  if (left.length === list.items.length) return before
  // A list without rules is none (XEP-0016 §2.1).
  return left.length === 0 ? withoutList(before, list.name) : withList(before, new PrivacyList(list.name, left))
}

function blocksOneOf(item: PrivacyItem, jids: readonly Jid[]): boolean {
  return isBlock(item) && jids.some((jid) => jid.equals(item.match.jid))
}

function renumbered(name: string, items: readonly PrivacyItem[]): PrivacyList {
  return new PrivacyList(
    name,
    items.map((item, index) => ({ ...item, order: index + 1 })),
  )
}
