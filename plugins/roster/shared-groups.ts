/** Who has whom in the roster because of shared groups (openfire.md §3.1, thesis R61): nobody is asked, and it is not stored with the roster. */
import { Jid, type Logger } from '@beaconfire/plugin-sdk'
import type { SharedGroup, StoredGroups } from './shared-group-store.js'
import { type SharedContacts, type SharedPart, sharedPart, subscriptionOf } from './shared-part.js'

const NONE: SharedContacts = new Map()

interface Group extends SharedGroup {
  readonly members: ReadonlySet<string>
}

export class SharedGroups {
  readonly #groups: readonly Group[]
  /** Names of all groups that a user is in, shared or not. */
  readonly #groupsOf = new Map<string, Set<string>>()
  readonly #stored: StoredGroups
  readonly #domain: string
  /** Contacts by member; undefined for one that is no address. */
  readonly #jids = new Map<string, Jid | undefined>()
  /** Parts are the same for nearly all: each is kept once. */
  readonly #parts = new Map<string, SharedPart>()
  readonly #log: Logger

  constructor(stored: StoredGroups, domain: string, log: Logger) {
    this.#stored = stored
    this.#domain = domain
    this.#log = log
    this.#groups = stored.shared.map((group) => ({ ...group, members: new Set(stored.members.get(group.name)) }))
    for (const [group, members] of stored.members) {
      for (const member of members) this.#groupsOf.set(member, (this.#groupsOf.get(member) ?? new Set()).add(group))
    }
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0
  }
  /** A new account changes the rosters of others. */
  get areForEverybody(): boolean {
    return this.#stored.everybody.length > 0
  }
  /** Names under which groups are shown. */
  isDisplayName(name: string): boolean {
    return this.#groups.some((it) => it.displayName === name)
  }

  /** What the roster of an account has by shared groups, by contact. */
  contactsOf(username: string): SharedContacts {
    if (this.isEmpty) return NONE
    const shown = new Map<string, string[]>()
    for (const group of this.#groups) {
      if (!this.#sees(username, group)) continue
      for (const member of group.members) shown.set(member, [...(shown.get(member) ?? []), group.displayName])
    }
    const watchers = this.#watchersOf(username)
    const contacts = new Map<string, SharedPart>()
    for (const contact of new Set([...shown.keys(), ...watchers])) {
      if (contact === username) continue
      const part = this.#part(contact, shown.get(contact) ?? [], watchers.has(contact))
      if (part) contacts.set(part.jid.toString(), part)
    }
    return contacts
  }

  #sees(username: string, { showTo, members, viewers }: Group): boolean {
    if (showTo === 'everybody') return true
    if (members.has(username)) return true
    const own = this.#groupsOf.get(username)
    return own !== undefined && viewers.some((it) => own.has(it))
  }

  /** Those who see a group that the user is in. */
  #watchersOf(username: string): ReadonlySet<string> {
    const watchers = new Set<string>()
    for (const { members, showTo, viewers } of this.#groups) {
      if (!members.has(username)) continue
      for (const member of members) watchers.add(member)
      if (showTo === 'everybody') for (const account of this.#stored.everybody) watchers.add(account)
      for (const viewer of viewers) for (const member of this.#stored.members.get(viewer) ?? []) watchers.add(member)
    }
    return watchers
  }

  #part(contact: string, groups: readonly string[], isWatcher: boolean): SharedPart | undefined {
    const key = `${isWatcher ? 'w' : ''} ${contact} ${JSON.stringify(groups)}`
    const known = this.#parts.get(key)
    if (known) return known
    const jid = this.#jid(contact)
    if (!jid) return undefined
    const part = sharedPart(jid, this.#stored.names.get(contact), [...new Set(groups)], subscriptionOf(groups.length > 0, isWatcher))
    this.#parts.set(key, part)
    return part
  }

  #jid(member: string): Jid | undefined {
    if (this.#jids.has(member)) return this.#jids.get(member)
    const jid = Jid.tryParse(member.includes('@') ? member : `${member}@${this.#domain}`)?.bare()
    if (!jid) this.#log.warn({ member }, 'a member of a group is no address and is not shown')
    this.#jids.set(member, jid)
    return jid
  }
}
