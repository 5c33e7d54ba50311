/** Fills the database of an Openfire installation: users with passwords in every form, rosters in every state, groups, odd offline messages. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import blowfish from 'blowfish-node'
import type { Knex } from 'knex'
import { createOpenfireSchema } from './openfire-schema.js'

export interface OpenfireOptions {
  readonly version: number
  readonly users?: number
  /** Of the users, one after the other, and again from the first; each that differs costs a key derivation. */
  readonly passwords?: readonly string[]
  readonly domain?: string
  /** `encrypt.blowfish.kdf`; without a salt it is sha1. */
  readonly salt?: string
  /** null: the property is missing. */
  readonly passwordKey?: string | null
  /** Of the tables, on MySQL; that of the database unless given. */
  readonly charset?: string
  readonly properties?: Readonly<Record<string, string>>
}

/** How the password of a user is stored; `none`: no password at all, as with LDAP. */
export const PASSWORD_FORMS = ['encrypted+scram', 'scram', 'plain+scram', 'encrypted', 'plain', 'encrypted+broken scram', 'none'] as const
export type PasswordForm = (typeof PASSWORD_FORMS)[number]

export interface OpenfireUser {
  readonly username: string
  readonly password: string
  readonly form: PasswordForm
}

export const PASSWORD_KEY = 'K3y0f15Chars00x'
const ROWS = 200
const PASSWORDS = Array.from({ length: 12 }, (_, i) => `pass-${i}-${['word', 'wörd', 'слово', '密码', 'p&<>"'][i % 5]}`)

type Client = 'sqlite' | 'mysql'

/** Makes the tables and fills them. @returns the users, their passwords known */
export async function fillOpenfire(knex: Knex, client: Client, options: OpenfireOptions): Promise<OpenfireUser[]> {
  const { version, users = PASSWORD_FORMS.length * 2, passwords = PASSWORDS, domain = 'test', passwordKey = PASSWORD_KEY, salt, charset } = options
  await createOpenfireSchema(knex, client, version, charset)
  const properties = { ...(passwordKey !== null && { passwordKey }), 'xmpp.domain': domain, ...options.properties }
  await insert(
    knex,
    'ofProperty',
    Object.entries(properties).map(([name, propValue]) => ({ name, propValue })),
  )
  const made = Array.from({ length: users }, (_, i): OpenfireUser => {
    return {
      username: `user${i}`,
      password: passwords[i % passwords.length] as string,
      form: PASSWORD_FORMS[i % PASSWORD_FORMS.length] as PasswordForm,
    }
  })
  await insertUsers(knex, version, made, encrypter(passwordKey ?? PASSWORD_KEY, salt))
  return made
}

/** Openfire's form: hex(IV) + hex(Blowfish-CBC of UTF-16BE). */
export function encrypt(password: string, passwordKey: string, salt?: string): string {
  return encrypter(passwordKey, salt)(password)
}

function encrypter(passwordKey: string, salt?: string): (password: string) => string {
  const key = salt
    ? pbkdf2Sync(passwordKey, Buffer.from(salt, 'base64'), 100_000, 32, 'sha512')
    : createHash('sha1').update(passwordKey, 'utf8').digest()
  const Blowfish = blowfish as unknown as typeof blowfish.default
  const cipher = new Blowfish(key, Blowfish.MODE.CBC, Blowfish.PADDING.PKCS5)
  return (password) => {
    const iv = randomBytes(8)
    cipher.setIv(iv)
    const text = Buffer.alloc(password.length * 2)
    for (let i = 0; i < password.length; i++) text.writeUInt16BE(password.charCodeAt(i), i * 2)
    return iv.toString('hex') + Buffer.from(cipher.encode(text)).toString('hex')
  }
}

export function scramSha1(password: string, salt = randomBytes(24), iterations = 4096) {
  const salted = pbkdf2Sync(password, salt, iterations, 20, 'sha1')
  const mac = (text: string) => createHmac('sha1', salted).update(text).digest()
  return {
    storedKey: createHash('sha1').update(mac('Client Key')).digest('base64'),
    serverKey: mac('Server Key').toString('base64'),
    salt: salt.toString('base64'),
    iterations,
  }
}

export const dateColumn = (at: number) => String(at).padStart(15, '0')

async function insertUsers(knex: Knex, version: number, users: readonly OpenfireUser[], encryptedOf: (password: string) => string): Promise<void> {
  const passwords = [...new Set(users.map((it) => it.password))]
  const keys = new Map(passwords.map((password) => [password, scramSha1(password)]))
  const forms = new Map(passwords.map((password) => [password, encryptedOf(password)]))
  const rows: Record<string, unknown>[] = []
  const scramRows: Record<string, unknown>[] = []
  for (const [i, { username, password, form }] of users.entries()) {
    const scram = form.includes('scram') ? { ...keys.get(password) } : undefined
    if (scram && form.includes('broken')) scram.storedKey = 'no base64!'
    const at = dateColumn(1_600_000_000_000 + i)
    rows.push({
      username,
      plainPassword: form.startsWith('plain') ? password : null,
      encryptedPassword: form.startsWith('encrypted') ? forms.get(password) : null,
      name: `User ${i}`,
      email: `user${i}@mail.example`,
      creationDate: at,
      modificationDate: at,
      ...(version < 40 && (scram ?? { storedKey: null, serverKey: null, salt: null, iterations: null })),
    })
    if (version >= 39 && scram) scramRows.push({ username, mechanism: 'SCRAM-SHA-1', ...scram })
  }
  await insert(knex, 'ofUser', rows)
  await insert(knex, 'ofUserScram', scramRows)
}

/** Every combination of the codes, one after the other, for each of these users; with the groups of the roster. */
export async function fillRosters(
  knex: Knex,
  usernames: readonly string[],
  options: { readonly domain?: string; readonly hasStanza?: boolean } = {},
) {
  const { domain = 'test', hasStanza = true } = options
  const items: Record<string, unknown>[] = []
  const groups: Record<string, unknown>[] = []
  let rosterID = 1
  for (const username of usernames) {
    for (const sub of [0, 1, 2, 3]) {
      for (const ask of [-1, 0, 1]) {
        for (const recv of [-1, 1, 2]) {
          const jid = `c-${sub}-${ask + 1}-${recv + 1}@${domain}`
          items.push({ rosterID, username, jid, sub, ask, recv, nick: recv === 1 ? null : `N ${sub}`, ...(hasStanza && { stanza: null }) })
          if (sub === 3) groups.push({ rosterID, rank: 0, groupName: 'Friends' }, { rosterID, rank: 1, groupName: 'Zoo & Co' })
          rosterID++
        }
      }
    }
  }
  await insert(knex, 'ofRoster', items)
  await insert(knex, 'ofRosterGroups', groups)
  await takeIds(knex, 18, rosterID)
}

/** Stanzas as they may stand in `ofOffline`, with what of them can be read. */
export const ODD_MESSAGES: readonly { readonly stanza: string; readonly body?: string }[] = [
  { stanza: '<message from="a@test/x" to="b@test" type="chat"><body>plain</body></message>', body: 'plain' },
  { stanza: '<message xmlns="jabber:client" from="a@test/x" to="b@test" type="chat" ><body>spaced</body ></message >', body: 'spaced' },
  { stanza: '<message from="a@test/x" to="b@test"><body><![CDATA[<b>cdata</b>]]></body></message>', body: '<b>cdata</b>' },
  { stanza: '<message from="a@test/x" to="b@test"><body>&#128512;&#xe4;</body></message>', body: '😀ä' },
  { stanza: '<message from="a@test/x" to="b@test"><body>bell&#7; and nul&#0;&#x1F;</body></message>', body: 'bell and nul' },
  { stanza: '<message from="a@test/x" to="b@test"><body>not closed</message>' },
  { stanza: '' },
  { stanza: 'no xml at all' },
  { stanza: '<presence from="a@test/x" to="b@test"/>' },
  { stanza: '<message from="not a jid@@" to="b@test"><body>bad from</body></message>' },
  { stanza: '<m:message xmlns:m="jabber:client" from="a@test/x" to="b@test"><m:body>prefixed</m:body></m:message>', body: 'prefixed' },
]

/** @returns the next free messageID */
export async function fillOffline(knex: Knex, username: string, stanzas: readonly string[], creationDate = '001700000000000'): Promise<number> {
  const first = 1
  await insert(
    knex,
    'ofOffline',
    stanzas.map((stanza, i) => ({ username, messageID: first + i, creationDate, messageSize: stanza.length, stanza })),
  )
  await takeIds(knex, 19, first + stanzas.length)
  return first + stanzas.length
}

async function takeIds(knex: Knex, idType: number, next: number): Promise<void> {
  await knex('ofID').where({ idType }).update({ id: next })
}

async function insert(knex: Knex, table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS) await knex(table).insert(rows.slice(at, at + ROWS))
}
