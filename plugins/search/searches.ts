/** Answers searches (XEP-0055) of accounts of this server, and of nobody else. */
import {
  type Accounts,
  type Element,
  type Iq,
  isClientSession,
  type Jid,
  placeOfPage,
  readPageRequest,
  resultSet,
  type Session,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { SearchConfig } from './config.js'
import type { Directory } from './directory.js'
import { readSearch, searchForm } from './search-form.js'
import { searchResult } from './search-result.js'

export class Searches {
  readonly #directory: Directory
  readonly #accounts: Accounts
  readonly #config: SearchConfig

  constructor(directory: Directory, accounts: Accounts, config: SearchConfig) {
    this.#directory = directory
    this.#accounts = accounts
    this.#config = config
  }

  /** @throws StanzaError forbidden for who is no account here, not-acceptable, bad-request */
  async answer(iq: Iq, query: Element, session: Session): Promise<Element> {
    const asker = await this.#asker(session)
    if (iq.type === 'get') return searchForm()
    const { terms, byForm } = readSearch(query)
    if (!this.#config.listAll && terms.every(({ text }) => text === '')) {
      throw new StanzaError('not-acceptable', { text: 'Say what to look for; the whole directory is not listed.' })
    }
    const page = readPageRequest(query)
    const found = await this.#directory.find(asker, terms)
    const ids = found.map(({ username }) => username)
    const place = placeOfPage(ids, page, this.#config.maxResults)
    return searchResult(found.slice(place.start, place.end), byForm, page && resultSet(ids, place))
  }

  /** Those who log in without an account are told nothing of those who have one. */
  async #asker(session: Session): Promise<Jid> {
    if (!isClientSession(session) || !(await this.#accounts.exists(session.jid.local))) throw new StanzaError('forbidden')
    return session.jid
  }
}
