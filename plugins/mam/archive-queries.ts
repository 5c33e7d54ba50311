/** What clients ask an archive (XEP-0313 §4, §5; XEP-0441): handlers of iq requests of its owner. */
import {
  type ClientSession,
  type Element,
  element,
  findChild,
  type IqHandler,
  type IqRequest,
  isClientSession,
  type Jid,
  type Message,
  markKept,
  message,
  NS,
  type PageRequest,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { ArchiveIds } from './archive-ids.js'
import type { ArchiveStore, Position, Selection } from './archive-store.js'
import { archivedMessage } from './archived-message.js'
import type { MamConfig } from './config.js'
import type { PreferenceCache } from './preference-cache.js'
import { preferencesElement, readPreferences } from './preferences.js'
import { type Filter, queryForm, readFilter } from './query-form.js'
import { readArchivePage, resultSet } from './result-set.js'

/** Messages are counted up to this: beyond it the number is approximate (XEP-0059 §2.6). */
const MOST_COUNTED = 20_000
/** Messages asked for by id in one query. */
const MOST_IDS = 1000
/** Characters of a queryid. */
const LONGEST_QUERY_ID = 1023

export interface QueryCollaborators {
  readonly store: ArchiveStore
  readonly preferences: PreferenceCache
  readonly config: Pick<MamConfig, 'pageSize' | 'largestPage'>
  ids(): ArchiveIds
}

export function archiveQueries(collaborators: QueryCollaborators): IqHandler[] {
  const queries = new ArchiveQueries(collaborators)
  const common = { namespace: NS.mam, targets: ['own-account'] } as const
  return [
    { ...common, element: 'query', type: 'get', handle: () => element('query', { xmlns: NS.mam }, queryForm()) },
    { ...common, element: 'query', type: 'set', handle: (request) => queries.search(request) },
    { ...common, element: 'metadata', type: 'get', handle: (request) => queries.metadata(request) },
    { ...common, element: 'prefs', type: 'get', handle: (request) => queries.preferences(request) },
    { ...common, element: 'prefs', type: 'set', handle: (request) => queries.setPreferences(request) },
  ]
}

class ArchiveQueries {
  readonly #with: QueryCollaborators

  constructor(collaborators: QueryCollaborators) {
    this.#with = collaborators
  }

  async search(request: IqRequest): Promise<Element> {
    const { payload, iq } = request
    const session = ownClient(request)
    const queryId = readQueryId(payload)
    const filter = readFilter(payload)
    const page = readArchivePage(payload)
    const { store, config } = this.#with
    await store.whenIdle() // what was handed over already can be asked for
    const { all, wanted } = await this.#selections(session.jid.local, filter, page)
    const limit = Math.min(page.max ?? config.pageSize, config.largestPage)
    const isBackwards = page.before !== undefined
    const found = await store.page(wanted, limit + 1, isBackwards)
    const isComplete = found.length <= limit
    const rows = isComplete ? found : isBackwards ? found.slice(1) : found.slice(0, limit)
    const ordered = findChild(payload, 'flip-page') ? rows.toReversed() : rows
    for (const row of ordered) {
      const forwarded = archivedMessage(row, { id: this.#with.ids().text(row.archiveID), queryId })
      await session.deliver(addressed(forwarded, session.jid, iq.to))
    }
    const isFirst = page.after === undefined && (!isBackwards || isComplete)
    const set = resultSet({
      first: this.#idOf(rows[0]),
      last: this.#idOf(rows.at(-1)),
      index: isFirst ? 0 : undefined,
      count: await store.count(all, MOST_COUNTED),
    })
    return element('fin', { xmlns: NS.mam, complete: isComplete ? 'true' : undefined }, set)
  }

  async metadata(request: IqRequest): Promise<Element> {
    const { store } = this.#with
    const { local: username } = ownClient(request).jid
    await store.whenIdle()
    const [[first], [last]] = await Promise.all([store.page({ username }, 1, false), store.page({ username }, 1, true)])
    const edge = (name: string, row: typeof first) => row && element(name, { id: this.#idOf(row), timestamp: new Date(row.sentDate).toISOString() })
    return element('metadata', { xmlns: NS.mam }, edge('start', first), edge('end', last))
  }

  async preferences(request: IqRequest): Promise<Element> {
    return preferencesElement(await this.#with.preferences.of(ownClient(request).jid.local))
  }

  async setPreferences(request: IqRequest): Promise<Element> {
    const { local } = ownClient(request).jid
    const preferences = readPreferences(request.payload)
    await this.#with.preferences.save(local, preferences)
    return preferencesElement(preferences)
  }

  /** All that the form asks for, and what of it can be on the page. @throws StanzaError item-not-found for an id that is not in the archive */
  async #selections(username: string, filter: Filter, page: PageRequest): Promise<{ readonly all: Selection; readonly wanted: Selection }> {
    const { ids = [] } = filter
    if (ids.length > MOST_IDS) throw new StanzaError('policy-violation', { text: `At most ${MOST_IDS} ids at once.` })
    const lastPage = page.before === '' ? undefined : page.before
    const named = [...ids, filter.beforeId, filter.afterId, page.after, lastPage].filter((it) => it !== undefined)
    const positions = await this.#positions(username, named)
    const at = (id: string | undefined) => (id === undefined ? undefined : positions.get(id))
    const all: Selection = {
      username,
      with: filter.with,
      start: filter.start,
      end: filter.end,
      after: at(filter.afterId),
      before: at(filter.beforeId),
      archiveIDs: filter.ids?.map((id) => positions.get(id)?.archiveID ?? 0),
    }
    return { all, wanted: { ...all, after: later(all.after, at(page.after)), before: earlier(all.before, at(lastPage)) } }
  }

  async #positions(username: string, named: readonly string[]) {
    const numbers = named.map((id) => this.#with.ids().number(id))
    const known = numbers.filter((it) => it !== undefined)
    const found = known.length === named.length ? await this.#with.store.positions(username, known) : undefined
    const positions = new Map(named.map((id, at) => [id, found?.get(numbers[at] ?? 0)]))
    for (const position of positions.values()) {
      if (!position) throw new StanzaError('item-not-found')
    }
    return positions
  }

  #idOf(row: { readonly archiveID: number } | undefined): string | undefined {
    return row && this.#with.ids().text(row.archiveID)
  }
}

/** @throws StanzaError forbidden for who has no session here */
function ownClient({ session }: IqRequest): ClientSession {
  if (isClientSession(session)) return session
  throw new StanzaError('forbidden')
}

/** @throws StanzaError bad-request; item-not-found for the archive of a node, of which there is none (XEP-0442) */
function readQueryId({ attrs }: Element): string | undefined {
  if (attrs.node !== undefined) throw new StanzaError('item-not-found')
  const queryId: unknown = attrs.queryid
  if (queryId === undefined) return undefined
  if (typeof queryId !== 'string' || queryId.length > LONGEST_QUERY_ID) throw new StanzaError('bad-request', { text: 'The queryid is too long.' })
  return queryId
}

/** From whom was asked: the account, which may stand there or not. Should it not arrive, nobody is to keep it: it is in the archive. */
function addressed(result: Element, to: Jid, from: Jid | undefined): Message {
  return markKept(message({ from, to }, result))
}

function later(one: Position | undefined, other: Position | undefined): Position | undefined {
  return one && other ? (isBefore(one, other) ? other : one) : (one ?? other)
}

function earlier(one: Position | undefined, other: Position | undefined): Position | undefined {
  return one && other ? (isBefore(one, other) ? one : other) : (one ?? other)
}

function isBefore(one: Position, other: Position): boolean {
  return one.sentDate < other.sentDate || (one.sentDate === other.sentDate && one.archiveID < other.archiveID)
}
