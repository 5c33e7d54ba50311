/** Openfire's tables of groups, and all SQL over them: read here, and made where they are missing. */
import { createMissingTable, type Database, type Migration } from '@beaconfire/plugin-sdk'

const SHOWN = 'sharedRoster.showInRoster'
const DISPLAYED = 'sharedRoster.displayName'
const VIEWERS = 'sharedRoster.groupList'

/** Step 2 of the roster's tables. */
export const groupTables: Migration['up'] = async (_schema, details) => {
  await createMissingTable(details, 'ofGroup', (table) => {
    table.string('groupName', 50).notNullable().primary()
    table.string('description', 255)
  })
  await createMissingTable(details, 'ofGroupProp', (table) => {
    table.string('groupName', 50).notNullable()
    table.string('name', 100).notNullable()
    table.text('propValue').notNullable()
    table.primary(['groupName', 'name'])
  })
  await createMissingTable(details, 'ofGroupUser', (table) => {
    table.string('groupName', 50).notNullable()
    table.string('username', 100).notNullable()
    table.tinyint('administrator').notNullable()
    table.primary(['groupName', 'username', 'administrator'])
  })
}

/** A group that is shown in rosters. */
export interface SharedGroup {
  readonly name: string
  readonly displayName: string
  readonly showTo: 'everybody' | 'members'
  /** With `members`: groups whose members see this one, too. */
  readonly viewers: readonly string[]
}

export interface StoredGroups {
  readonly shared: readonly SharedGroup[]
  /** Members, administrators among them, of every group: usernames, or bare JIDs of people elsewhere. */
  readonly members: ReadonlyMap<string, readonly string[]>
  /** Full names of members that are accounts. */
  readonly names: ReadonlyMap<string, string>
  /** All accounts, where some group is shown to everybody. */
  readonly everybody: readonly string[]
}

export class SharedGroupStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async load(): Promise<StoredGroups> {
    const { knex } = this.#database
    const rows: { groupName: string; name: string; propValue: string }[] = await knex('ofGroupProp').whereIn('name', [SHOWN, DISPLAYED, VIEWERS])
    const shared = sharedGroups(rows)
    if (shared.length === 0) return { shared, members: new Map(), names: new Map(), everybody: [] }
    const members = new Map<string, string[]>()
    const memberRows: { groupName: string; username: string }[] = await knex('ofGroupUser').distinct('groupName', 'username').orderBy('username')
    for (const { groupName, username } of memberRows) {
      const known = members.get(groupName)
      if (known) known.push(username)
      else members.set(groupName, [username])
    }
    const accounts = await this.#accounts()
    const names = new Map(accounts.flatMap(({ username, name }) => (name ? [[username, name] as const] : [])))
    const isForAll = shared.some((it) => it.showTo === 'everybody')
    return { shared, members, names, everybody: isForAll ? accounts.map((it) => it.username) : [] }
  }

  /** The account is being removed. */
  async removeMember(username: string): Promise<void> {
    await this.#database.knex('ofGroupUser').where({ username }).delete()
  }

  async #accounts(): Promise<{ username: string; name: string | null }[]> {
    const { knex } = this.#database
    return (await knex.schema.hasTable('ofUser')) ? knex('ofUser').select('username', 'name') : []
  }
}

function sharedGroups(rows: readonly { groupName: string; name: string; propValue: string }[]): SharedGroup[] {
  const byGroup = new Map<string, Map<string, string>>()
  for (const { groupName, name, propValue } of rows) {
    const properties = byGroup.get(groupName) ?? new Map<string, string>()
    byGroup.set(groupName, properties.set(name, propValue))
  }
  const found: SharedGroup[] = []
  for (const [name, properties] of byGroup) {
    const shown = properties.get(SHOWN)?.trim()
    if (shown !== 'everybody' && shown !== 'onlyGroup') continue
    const viewers = (properties.get(VIEWERS) ?? '').split(/[,\t\n\r\f]/).flatMap((it) => it.trim() || [])
    found.push({ name, displayName: properties.get(DISPLAYED)?.trim() || name, showTo: shown === 'everybody' ? shown : 'members', viewers })
  }
  return found
}
