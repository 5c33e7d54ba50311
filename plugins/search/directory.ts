/** Finds accounts for who asks: those that match each thing that is looked for, with the e-mail only where it may be seen. */
import { type Account, type Accounts, type Admins, Jid, type RosterService } from '@beaconfire/plugin-sdk'
import type { SearchConfig } from './config.js'

export type SearchField = 'username' | 'name' | 'email'

/** Text that one of these fields must hold, whatever its case; '' is in every account. */
export interface Term {
  readonly fields: readonly SearchField[]
  readonly text: string
}

export interface Entry {
  readonly jid: Jid
  readonly username: string
  readonly name: string
  /** '' where the asker may not see it, too. */
  readonly email: string
}

export interface DirectoryCollaborators {
  readonly accounts: Accounts
  readonly admins: Admins
  readonly roster: RosterService
  readonly domain: Jid
  readonly config: Pick<SearchConfig, 'email' | 'maxResults'>
}

const PAGE = 500
/** Pages of the database that one search looks through: what is found late is not found. */
const MOST_PAGES = 10

export class Directory {
  readonly #server: DirectoryCollaborators

  constructor(server: DirectoryCollaborators) {
    this.#server = server
  }

  /** In order of username, up to `maxResults`. Accounts that may not log in are not in it. @param terms at least one; all must match */
  async find(asker: Jid, terms: readonly Term[]): Promise<Entry[]> {
    const { accounts, config } = this.#server
    const [first] = terms
    const found: Entry[] = []
    let after: string | undefined
    for (let page = 0; page < MOST_PAGES; page++) {
      const rows = await accounts.list({ disabled: false, search: first?.text, searchIn: first?.fields, after, limit: PAGE })
      for (const account of rows) {
        const entry = await this.#entry(account, asker)
        if (terms.every((term) => matches(entry, term))) found.push(entry)
        if (found.length === config.maxResults) return found
      }
      if (rows.length < PAGE) return found
      after = rows.at(-1)?.username
    }
    return found
  }

  /** What the asker may not see is not looked in either. */
  async #entry({ username, name, email }: Account, asker: Jid): Promise<Entry> {
    const jid = Jid.of(username, this.#server.domain.domain)
    const isShown = email !== undefined && (await this.#maySeeEmail(asker, jid))
    return { jid, username, name: name ?? '', email: isShown ? email : '' }
  }

  async #maySeeEmail(asker: Jid, owner: Jid): Promise<boolean> {
    const { admins, config, roster } = this.#server
    if (config.email === 'all' || admins.has(asker) || asker.bare().equals(owner)) return true
    if (config.email === 'none') return false
    const subscription = (await roster.item(asker, owner))?.subscription
    return subscription === 'to' || subscription === 'both'
  }
}

function matches(entry: Entry, { fields, text }: Term): boolean {
  const wanted = text.toLowerCase()
  return fields.some((field) => entry[field].toLowerCase().includes(wanted))
}
