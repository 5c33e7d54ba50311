/** The message of the day and the welcome message (`ofProperty`), and who has seen the former (`ofUserProp`): all SQL of this plugin. */
import { randomBytes } from 'node:crypto'
import type { Database } from '@beaconfire/plugin-sdk'

/** The first two are named as Openfire's plugins name them. */
const MOTD = 'plugin.motd.message'
const WELCOME = 'registration.welcome.message'
/** Changes with each message that all are to see. */
const MOTD_ID = 'beaconfire.motd.id'
const SEEN = 'beaconfire.motd.seen'
/** Rows of one statement. */
const CHUNK = 200

export class StandingMessages {
  readonly #database: Database
  #motd: { readonly id: string; readonly text: string } | undefined
  #welcome: string | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** What all users are shown once; undefined while there is none. */
  get motd(): string | undefined {
    return this.#motd?.text
  }

  get welcome(): string | undefined {
    return this.#welcome
  }

  async load(): Promise<void> {
    const rows: { name: string; propValue: string }[] = await this.#database
      .knex('ofProperty')
      .whereIn('name', [MOTD, WELCOME, MOTD_ID])
      .select('name', 'propValue')
    const values = new Map(rows.map(({ name, propValue }) => [name, propValue]))
    const text = values.get(MOTD)
    this.#motd = text ? { text, id: values.get(MOTD_ID) ?? '' } : undefined
    this.#welcome = values.get(WELCOME) || undefined
  }

  /** @param isNew true: all see it, those who have seen the one before too */
  async setMotd(text: string, isNew: boolean): Promise<void> {
    const id = isNew || !this.#motd ? randomBytes(9).toString('base64url') : this.#motd.id
    await this.#write({ [MOTD]: text, [MOTD_ID]: id })
    this.#motd = { id, text }
  }

  async deleteMotd(): Promise<void> {
    await this.#database.knex('ofProperty').whereIn('name', [MOTD, MOTD_ID]).delete()
    await this.#database.knex('ofUserProp').where({ name: SEEN }).delete()
    this.#motd = undefined
  }

  async setWelcome(text: string | undefined): Promise<void> {
    if (text === undefined) await this.#database.knex('ofProperty').where({ name: WELCOME }).delete()
    else await this.#write({ [WELCOME]: text })
    this.#welcome = text
  }

  /** True when the user has seen the present message of the day. */
  async hasSeenMotd(username: string): Promise<boolean> {
    const rows = await this.#database.read<{ propValue: string }>('select propValue from ofUserProp where username = ? and name = ?', [
      username,
      SEEN,
    ])
    return rows[0]?.propValue === this.#motd?.id
  }

  async noteMotdSeen(usernames: readonly string[]): Promise<void> {
    const id = this.#motd?.id
    if (id === undefined) return
    for (let start = 0; start < usernames.length; start += CHUNK) {
      const rows = usernames.slice(start, start + CHUNK).map((username) => ({ username, name: SEEN, propValue: id }))
      await this.#database.knex('ofUserProp').insert(rows).onConflict(['username', 'name']).merge(['propValue'])
    }
  }

  async #write(values: Readonly<Record<string, string>>): Promise<void> {
    await this.#database.transaction(async (trx) => {
      for (const [name, propValue] of Object.entries(values)) {
        await trx('ofProperty').insert({ name, propValue }).onConflict('name').merge(['propValue'])
      }
    })
  }
}
