/** Who may administer by XMPP: the configuration's `admins`, and those kept in Openfire's property `admin.authorizedJIDs`. */
import { type Admins, type Database, Jid, type Logger } from '@beaconfire/plugin-sdk'
import { ConfigError } from '../config/check-config.js'

/** Bare JIDs with commas between them. */
const PROPERTY = 'admin.authorizedJIDs'

export class AdminList implements Admins {
  readonly configured: readonly Jid[]
  readonly #database: Database
  readonly #log: Logger
  #added: readonly Jid[] = []
  #known: ReadonlySet<string> = new Set()

  /** @param configured bare JIDs */
  constructor(database: Database, configured: readonly Jid[], log: Logger) {
    this.#database = database
    this.configured = configured
    this.#log = log
    this.#set([])
  }

  static async open(database: Database, configured: readonly Jid[], log: Logger): Promise<AdminList> {
    const list = new AdminList(database, configured, log)
    await list.load()
    return list
  }

  async load(): Promise<void> {
    const row = await this.#database.knex('ofProperty').where({ name: PROPERTY }).first<{ propValue: string; encrypted: number | null } | undefined>()
    if (!row || Number(row.encrypted) === 1) return
    const texts = row.propValue.split(',').map((text) => text.trim())
    this.#set(
      texts.flatMap((text) => {
        const jid = Jid.tryParse(text)
        if (!jid && text !== '') this.#log.warn({ property: PROPERTY, value: text }, 'an administrator is no JID')
        return jid?.bare() ?? []
      }),
    )
  }

  has(user: Jid): boolean {
    return this.#known.size > 0 && this.#known.has(user.bare().toString())
  }

  list(): readonly Jid[] {
    return [...this.configured, ...this.#added]
  }

  async replace(jids: readonly Jid[]): Promise<void> {
    const added = jids.map((jid) => jid.bare()).filter((jid) => !this.configured.some((it) => it.equals(jid)))
    const propValue = [...new Set(added.map(String))].join(',')
    const merged = this.#database.knex('ofProperty').insert({ name: PROPERTY, propValue }).onConflict('name').merge(['propValue'])
    await (added.length > 0 ? merged : this.#database.knex('ofProperty').where({ name: PROPERTY }).delete())
    this.#set(added)
  }

  /** An account is being removed: whoever registers its name next is no administrator for that. */
  async forget(user: Jid): Promise<void> {
    if (this.configured.some((it) => it.equals(user))) {
      this.#log.warn({ user: user.toString() }, 'an account is removed that the configuration lists among admins; take it out there too')
    }
    if (this.#added.some((it) => it.equals(user))) await this.replace(this.#added.filter((it) => !it.equals(user)))
  }

  #set(added: readonly Jid[]): void {
    this.#added = [...new Map(added.map((jid) => [jid.toString(), jid])).values()].filter((jid) => !this.configured.some((it) => it.equals(jid)))
    this.#known = new Set(this.list().map(String))
  }
}

/** `admins` of the configuration as bare JIDs. @throws ConfigError when one of them is none */
export function parseAdmins(texts: readonly string[]): Jid[] {
  const problems = texts.flatMap((text, index) => (Jid.tryParse(text) ? [] : `admins.${index}: "${text}" is no JID`))
  if (problems.length > 0) throw new ConfigError(problems)
  return texts.map((text) => Jid.parse(text).bare())
}
