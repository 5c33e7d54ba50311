/** The accounts that a command is about, from the JIDs in its form. */
import { type Account, type Accounts, type FormField, type FormValues, type Jid, StanzaError } from '@beaconfire/plugin-sdk'

/** Of one command: it has to end in time. */
const MOST_ACCOUNTS = 100

export const accountField: FormField = { name: 'accountjid', type: 'jid-single', label: 'The Jabber ID of the account', required: true }
export const accountsField: FormField = { name: 'accountjids', type: 'jid-multi', label: 'The Jabber ID(s) of the accounts', required: true }

export interface Target {
  /** As it was given: bare or full. */
  readonly jid: Jid
  readonly account: Account
}

export class TargetAccounts {
  readonly #accounts: Accounts
  readonly #domain: Jid

  constructor(accounts: Accounts, domain: Jid) {
    this.#accounts = accounts
    this.#domain = domain
  }

  /** @throws StanzaError item-not-found */
  async one(values: FormValues): Promise<Target> {
    return this.#find(this.jid(values))
  }

  /** All exist, before anything is done about one of them. @throws StanzaError item-not-found; not-acceptable for too many */
  async several(values: FormValues): Promise<Target[]> {
    const jids = values.jids('accountjids')
    if (jids.length > MOST_ACCOUNTS) throw new StanzaError('not-acceptable', { text: `One command is about ${MOST_ACCOUNTS} accounts at most.` })
    return Promise.all(jids.map((jid) => this.#find(jid)))
  }

  /** @throws StanzaError not-acceptable for what is no account of this server, whether it exists or not */
  jid(values: FormValues): Jid {
    const jid = values.jid('accountjid')
    if (!jid || jid.local === '' || jid.domain !== this.#domain.domain) {
      throw new StanzaError('not-acceptable', { text: `An account is somebody@${this.#domain}.` })
    }
    return jid
  }

  async #find(jid: Jid): Promise<Target> {
    const account = jid.domain === this.#domain.domain && jid.local !== '' ? await this.#accounts.find(jid.local) : undefined
    if (!account) throw new StanzaError('item-not-found', { text: `There is no account ${jid.bare()}.` })
    return { jid, account }
  }
}
