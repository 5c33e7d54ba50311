/** Privacy lists asked for and changed by their user (XEP-0016 §2.3 to §2.8). */
import {
  type ClientSession,
  childElements,
  type Element,
  element,
  type IqHandler,
  type IqRequest,
  isClientSession,
  NS,
  namespaceOf,
  type RosterService,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import { type AccountLists, defaultList, withDefault, withList, withoutList } from './account-lists.js'
import type { Changes } from './changes.js'
import type { PrivacyConfig } from './config.js'
import type { KnownLists } from './known-lists.js'
import { badRequest, listElement, readItems, readName } from './list-xml.js'
import { type PrivacyItem, PrivacyList } from './privacy-list.js'
import type { Pushes } from './pushes.js'
import type { SessionPrivacy } from './session-privacy.js'

export interface PrivacyRequestCollaborators {
  readonly known: KnownLists
  readonly state: SessionPrivacy
  readonly changes: Changes
  readonly pushes: Pushes
  readonly roster: RosterService
  readonly limits: Pick<PrivacyConfig, 'maxItems' | 'maxLists'>
}

export class PrivacyRequests {
  readonly #server: PrivacyRequestCollaborators

  constructor(server: PrivacyRequestCollaborators) {
    this.#server = server
  }

  handler(): IqHandler {
    return {
      namespace: NS.privacy,
      element: 'query',
      targets: ['own-account'],
      handle: (request) => this.#handle(request),
    }
  }

  async #handle({ iq, payload, session }: IqRequest): Promise<Element | undefined> {
    if (!isClientSession(session)) throw new StanzaError('forbidden')
    this.#server.state.noteListsUsed(session)
    if (iq.type === 'get') return this.#read(session, payload)
    const [asked, ...more] = childElements(payload)
    if (!asked || more.length > 0 || namespaceOf(asked) !== NS.privacy) throw badRequest('A request is about one list.')
    switch (asked.getName()) {
      case 'active':
        await this.#setActive(session, optionalName(asked))
        return
      case 'default':
        await this.#setDefault(session, optionalName(asked))
        return
      case 'list':
        await this.#setList(session, asked)
        return
      default:
        throw badRequest('A request sets a list, the active or the default one.')
    }
  }

  async #read(session: ClientSession, query: Element): Promise<Element> {
    const lists = await this.#server.known.of(session.jid.local)
    const [asked, ...more] = childElements(query)
    if (!asked) return this.#names(session, lists)
    if (more.length > 0 || asked.getName() !== 'list' || namespaceOf(asked) !== NS.privacy) throw badRequest('Ask for one list.')
    return element('query', { xmlns: NS.privacy }, listElement(find(lists, readName(asked))))
  }

  #names(session: ClientSession, lists: AccountLists): Element {
    const active = this.#server.state.active(session)
    return element(
      'query',
      { xmlns: NS.privacy },
      active !== undefined && element('active', { name: active }),
      lists.defaultName !== undefined && element('default', { name: lists.defaultName }),
      ...[...lists.lists.keys()].map((name) => element('list', { name })),
    )
  }

  async #setActive(session: ClientSession, name: string | undefined): Promise<void> {
    const lists = await this.#server.known.of(session.jid.local)
    if (name !== undefined) find(lists, name)
    await this.#server.changes.activate(session, name, lists)
  }

  async #setDefault(session: ClientSession, name: string | undefined): Promise<void> {
    const user = session.jid.bare()
    const edit = (lists: AccountLists): AccountLists => {
      if (name !== undefined) find(lists, name)
      if (name === lists.defaultName) return lists
      const present = defaultList(lists)
      if (present) this.#assertUnused(session, present, lists)
      return withDefault(lists, name)
    }
    this.#server.changes.pushBlocks(user, await this.#server.changes.change(user, edit, true))
  }

  async #setList(session: ClientSession, asked: Element): Promise<void> {
    const name = readName(asked)
    const items = readItems(asked, this.#server.limits.maxItems)
    const user = session.jid.bare()
    await this.#assertGroups(session, items)
    const edit = items.length === 0 ? this.#removal(session, name) : this.#edit(new PrivacyList(name, items))
    const changed = await this.#server.changes.change(user, edit, true)
    if (items.length === 0 && this.#server.state.active(session) === name) this.#server.state.setActive(session, undefined)
    this.#server.pushes.listChanged(user, name, true)
    this.#server.changes.pushBlocks(user, changed)
  }

  #edit(list: PrivacyList): (lists: AccountLists) => AccountLists {
    const { maxLists } = this.#server.limits
    return (lists) => {
      if (!lists.lists.has(list.name) && lists.lists.size >= maxLists) {
        throw new StanzaError('resource-constraint', { text: `At most ${maxLists} lists are kept.` })
      }
      return withList(lists, list)
    }
  }

  #removal(session: ClientSession, name: string): (lists: AccountLists) => AccountLists {
    return (lists) => {
      this.#assertUnused(session, find(lists, name), lists)
      return withoutList(lists, name)
    }
  }

  /** @throws StanzaError conflict when it holds for another resource (§2.2 rule 11) */
  #assertUnused(session: ClientSession, list: PrivacyList, lists: AccountLists): void {
    if (this.#server.state.isUsedByOthers(session, list, lists)) throw new StanzaError('conflict', { text: 'Another resource uses this list.' })
  }

  /** @throws StanzaError item-not-found for a group that is not in the roster (§2.1) */
  async #assertGroups(session: ClientSession, items: readonly PrivacyItem[]): Promise<void> {
    const groups = items.flatMap(({ match }) => (match?.type === 'group' ? match.group : []))
    if (groups.length === 0) return
    const known = new Set<string>()
    for (const { groups: named } of (await this.#server.roster.items(session.jid)).values()) for (const group of named) known.add(group)
    if (groups.some((group) => !known.has(group))) throw new StanzaError('item-not-found', { text: 'There is no such group in the roster.' })
  }
}

/** @throws StanzaError item-not-found */
function find({ lists }: AccountLists, name: string): PrivacyList {
  const list = lists.get(name)
  if (!list) throw new StanzaError('item-not-found', { text: 'There is no list of this name.' })
  return list
}

/** Without a name the use of such a list is declined (§2.4, §2.5). @throws StanzaError bad-request */
function optionalName(asked: Element): string | undefined {
  if (childElements(asked).length > 0) throw badRequest('This names a list, and holds nothing.')
  return asked.attrs.name === undefined ? undefined : readName(asked)
}
