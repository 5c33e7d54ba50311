/** The roster's tables, which are Openfire's (`ofRoster`, `ofRosterGroups`), one small of our own, and all SQL over them. */
import { createMissingTable, type Database, Jid, type Logger, type Migration, type Subscription, XmlColumn } from '@beaconfire/plugin-sdk'
import { newEntry, type RosterEntry } from './roster-entry.js'
import { groupTables } from './shared-group-store.js'

/** `ofID` sequence of `rosterID`. */
const ROSTER_ID_TYPE = 18
const SUBSCRIPTIONS: readonly Subscription[] = ['none', 'to', 'from', 'both']
/** Openfire's codes: `ask` 0 = subscribe, `recv` 1 = subscribe, -1 = none. */
const ASK_SUBSCRIBE = 0
const RECV_SUBSCRIBE = 1
const NONE = -1
/** `sub` of an item that Openfire was removing. */
const SUB_REMOVE = -1
/** Bytes a TEXT column holds. */
const LONGEST_REQUEST = 65_535

export const tables: readonly Migration[] = [
  {
    version: 1,
    // An Openfire database has the first two already: it is served in place.
    async up(_schema, details) {
      await createMissingTable(details, 'ofRoster', (table, client) => {
        table.bigInteger('rosterID').notNullable().primary()
        table.string('username', 64).notNullable()
        table.string('jid', 1024).notNullable()
        table.tinyint('sub').notNullable()
        table.tinyint('ask').notNullable()
        table.tinyint('recv').notNullable()
        table.string('nick', 255)
        table.text('stanza')
        table.index(['username'], 'ofRoster_username_idx')
        // MySQL takes no index over the whole of so long a column.
        table.index([client === 'mysql' ? details.knex.raw('jid(255)') : 'jid'], 'ofRoster_jid_idx')
      })
      await createMissingTable(details, 'ofRosterGroups', (table) => {
        table.bigInteger('rosterID').notNullable()
        table.tinyint('rank').notNullable()
        table.string('groupName', 255).notNullable()
        table.primary(['rosterID', 'rank'])
        table.index(['rosterID'], 'ofRosterGroup_rosterid_idx')
      })
      await createMissingTable(details, 'ofRosterExtra', (table) => {
        table.bigInteger('rosterID').notNullable().primary()
        table.tinyint('approved').notNullable()
        table.tinyint('listed').notNullable()
      })
    },
  },
  { version: 2, up: groupTables },
]

interface ItemRow {
  readonly rosterID: number
  readonly jid: string
  readonly sub: number
  readonly ask: number
  readonly recv: number
  readonly nick: string | null
  readonly stanza: string | null
  readonly approved: number | null
  readonly listed: number | null
}

interface GroupRow {
  readonly rosterID: number
  readonly groupName: string
}

/** Both are read at each login: they go to the database together. */
const itemsOf = (stanza: string) => `select r.rosterID, r.jid, r.sub, r.ask, r.recv, r.nick, ${stanza} as stanza, e.approved, e.listed
  from ofRoster r left join ofRosterExtra e on e.rosterID = r.rosterID where r.username = ? order by r.rosterID`
const GROUPS_OF = `select g.rosterID, g.groupName
  from ofRosterGroups g join ofRoster r on r.rosterID = g.rosterID where r.username = ? order by g.rosterID, g.\`rank\``

export class RosterStore {
  readonly #database: Database
  readonly #log: Logger
  /** Rows that are not shown because another is of the same contact, by that one's id. */
  readonly #twins = new Map<number, ReadonlySet<number>>()
  #items = itemsOf('r.stanza')
  #hasStanza = true
  #requests = XmlColumn.unlimited

  constructor(database: Database, log: Logger) {
    this.#database = database
    this.#log = log
  }

  /** Openfire's table has the column for a request's stanza from its schema 33 on; without it a request is kept, but not its text. */
  async start(): Promise<void> {
    this.#hasStanza = await this.#database.knex.schema.hasColumn('ofRoster', 'stanza')
    if (this.#hasStanza) this.#requests = await XmlColumn.of(this.#database, 'ofRoster', 'stanza')
    else this.#items = itemsOf('null')
  }

  async load(username: string): Promise<RosterEntry[]> {
    const rows = await this.#database.read<ItemRow>(this.#items, [username])
    if (rows.length === 0) return []
    const groups = groupsByItem(await this.#database.read<GroupRow>(GROUPS_OF, [username]))
    const entries = new Map<string, RosterEntry>()
    for (const row of rows) {
      const entry = this.#entry(username, row, groups.get(Number(row.rosterID)) ?? [])
      if (!entry) continue
      const key = entry.jid.toString()
      const twin = entries.get(key)
      entries.set(key, twin ? this.#better(username, twin, entry) : entry)
    }
    return [...entries.values()]
  }

  /** Nothing in Openfire's table keeps a contact from being there twice: both rows stay, and go together. */
  #better(username: string, one: RosterEntry, other: RosterEntry): RosterEntry {
    const [kept, hidden] = rankOf(other) > rankOf(one) ? [other, one] : [one, other]
    const hiddenId = hidden.id as number
    this.#log.warn(
      { username, rosterID: hiddenId, contact: kept.jid.toString() },
      'a roster item is there twice; the one with the lesser subscription is not shown',
    )
    const keptId = kept.id as number
    this.#twins.set(keptId, new Set([...(this.#twins.get(keptId) ?? []), hiddenId, ...(this.#twins.get(hiddenId) ?? [])]))
    return kept
  }

  /**
   * Writes an entry in one transaction.
   * @param before the entry as it is stored, if it is
   * @returns the entry with its id
   */
  async save(username: string, entry: RosterEntry, before: RosterEntry | undefined): Promise<RosterEntry & { readonly id: number }> {
    const id = before?.id ?? (await this.#database.nextId(ROSTER_ID_TYPE))
    const columns = {
      jid: entry.jid.toString(),
      sub: SUBSCRIPTIONS.indexOf(entry.subscription),
      ask: entry.pendingOut ? ASK_SUBSCRIBE : NONE,
      recv: entry.pendingIn ? RECV_SUBSCRIBE : NONE,
      nick: entry.name ?? null,
      ...(this.#hasStanza && { stanza: this.#requestColumn(entry) }),
    }
    await this.#database.transaction(async (trx) => {
      if (before) await trx('ofRoster').where('rosterID', id).update(columns)
      else await trx('ofRoster').insert({ rosterID: id, username, ...columns })
      if (before && before.groups !== entry.groups) await trx('ofRosterGroups').where('rosterID', id).delete()
      if (entry.groups.length > 0 && before?.groups !== entry.groups) {
        await trx('ofRosterGroups').insert(entry.groups.map((groupName, rank) => ({ rosterID: id, rank, groupName })))
      }
      if (before && needsExtra(before)) await trx('ofRosterExtra').where('rosterID', id).delete()
      if (needsExtra(entry)) await trx('ofRosterExtra').insert({ rosterID: id, approved: Number(entry.approved), listed: Number(entry.listed) })
    })
    return { ...entry, id }
  }

  #requestColumn({ request }: RosterEntry): string | null {
    if (request === undefined) return null
    const column = this.#requests.encode(request)
    return Buffer.byteLength(column) > LONGEST_REQUEST ? null : column
  }

  async remove({ id }: RosterEntry): Promise<void> {
    if (id === undefined) return
    const ids = [id, ...(this.#twins.get(id) ?? [])]
    await this.#database.transaction(async (trx) => {
      for (const table of ['ofRosterGroups', 'ofRosterExtra', 'ofRoster']) await trx(table).whereIn('rosterID', ids).delete()
    })
    this.#twins.delete(id)
  }

  /** Removes all rows of an account, those too that {@link load} could not read. */
  async removeAll(username: string): Promise<void> {
    await this.#database.transaction(async (trx) => {
      const own = trx('ofRoster').where('username', username).select('rosterID')
      for (const table of ['ofRosterGroups', 'ofRosterExtra']) await trx(table).whereIn('rosterID', own.clone()).delete()
      await trx('ofRoster').where('username', username).delete()
    })
  }

  #entry(username: string, row: ItemRow, groups: readonly string[]): RosterEntry | undefined {
    const jid = Jid.tryParse(row.jid)
    if (!jid) {
      // Such a row can only be another server's; it is left alone rather than costing the user the whole roster.
      this.#log.warn({ username, rosterID: row.rosterID }, 'a roster item has no valid JID and is not shown')
      return undefined
    }
    if (row.sub === SUB_REMOVE) return undefined
    const subscription = SUBSCRIPTIONS[row.sub] ?? 'none'
    const pendingIn = row.recv === RECV_SUBSCRIBE && (subscription === 'none' || subscription === 'to')
    const pendingOut = row.ask === ASK_SUBSCRIBE && (subscription === 'none' || subscription === 'from')
    const entry: RosterEntry = {
      ...newEntry(jid),
      id: Number(row.rosterID),
      name: row.nick || undefined,
      groups,
      subscription,
      pendingOut,
      pendingIn,
      approved: row.approved === 1,
      request: pendingIn ? (row.stanza ?? undefined) : undefined,
    }
    return { ...entry, listed: row.listed === 1 || !isRequestAlone(entry) }
  }
}

/** Which of two rows about a contact counts. */
function rankOf({ subscription, pendingOut, pendingIn }: RosterEntry): number {
  return SUBSCRIPTIONS.indexOf(subscription) * 4 + Number(pendingOut) * 2 + Number(pendingIn)
}

function groupsByItem(rows: readonly GroupRow[]): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const { rosterID, groupName } of rows) {
    const id = Number(rosterID)
    const known = groups.get(id)
    if (known) known.push(groupName)
    else groups.set(id, [groupName])
  }
  return groups
}

/** Nothing in Openfire's columns says that the user put this contact into the roster. */
function isRequestAlone(entry: Omit<RosterEntry, 'listed'>): boolean {
  const { subscription, pendingOut, pendingIn, approved, name, groups } = entry
  return pendingIn && subscription === 'none' && !pendingOut && !approved && name === undefined && groups.length === 0
}

/** Openfire has no column for it. */
function needsExtra(entry: RosterEntry): boolean {
  return entry.approved || (entry.listed && isRequestAlone(entry))
}
