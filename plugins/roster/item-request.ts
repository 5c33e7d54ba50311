/** Reads and checks what a client wants to put into its roster (RFC 6121 §2.1.5, §2.3.3). */
import { childElements, type Element, Jid, JidError, StanzaError } from '@beaconfire/plugin-sdk'
import type { RosterConfig } from './config.js'

export type ItemRequest =
  | { readonly kind: 'remove'; readonly jid: Jid }
  | { readonly kind: 'set'; readonly jid: Jid; readonly name: string | undefined; readonly groups: readonly string[] }

type Limits = Pick<RosterConfig, 'maxNameLength' | 'maxGroupLength' | 'maxGroupsPerItem'>

/** Characters that `ofRoster.jid` holds. */
const LONGEST_JID = 1024

/** @throws StanzaError bad-request, jid-malformed, not-acceptable, as §2.3.3 wants them */
export function readItemRequest(query: Element, limits: Limits): ItemRequest {
  const items = childElements(query)
  const [item] = items
  if (items.length !== 1 || item?.getName() !== 'item') {
    throw new StanzaError('bad-request', { text: 'A roster set holds exactly one item.' })
  }
  const jid = readJid(item)
  // A client cannot set a subscription (§2.1.2.5): every value but `remove` is ignored, and so are `ask` and `approved`.
  if (item.attrs.subscription === 'remove') return { kind: 'remove', jid }
  return { kind: 'set', jid, name: readName(item, limits), groups: readGroups(item, limits) }
}

function readJid(item: Element): Jid {
  const text: unknown = item.attrs.jid
  if (typeof text !== 'string') throw new StanzaError('bad-request', { text: 'A roster item needs a jid.' })
  try {
    const jid = Jid.parse(text)
    if (jid.toString().length <= LONGEST_JID) return jid
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', { text: error.message })
    throw error
  }
  throw new StanzaError('not-acceptable', { text: `A contact's JID may have ${LONGEST_JID} characters.` })
}

function readName(item: Element, { maxNameLength }: Limits): string | undefined {
  const name: unknown = item.attrs.name
  if (typeof name !== 'string' || name === '') return undefined
  if (name.length > maxNameLength) throw new StanzaError('not-acceptable', { text: `A name may have ${maxNameLength} characters.` })
  return name
}

function readGroups(item: Element, { maxGroupLength, maxGroupsPerItem }: Limits): string[] {
  const groups = childElements(item)
    .filter((child) => child.getName() === 'group')
    .map((child) => child.getText())
  if (groups.length > maxGroupsPerItem) throw new StanzaError('not-acceptable', { text: `A contact may be in ${maxGroupsPerItem} groups.` })
  if (new Set(groups).size !== groups.length) throw new StanzaError('bad-request', { text: 'A group is named twice.' })
  for (const group of groups) {
    if (group === '') throw new StanzaError('not-acceptable', { text: 'A group needs a name.' })
    if (group.length > maxGroupLength) {
      throw new StanzaError('not-acceptable', { text: `The name of a group may have ${maxGroupLength} characters.` })
    }
  }
  return groups
}
