/** What a shadow version of a plugin is given: all that can be looked at, and nothing that acts. What it wants to do is counted instead. */
import type { Accounts, Appender, ClientSession, Database, Row, Session, Sessions } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { ContextParts, PluginDatabases } from './plugin-context.js'
import type { ServerFacade } from './registries.js'

/** A shadow asked for something that would act. */
export class ShadowDenied extends Error {
  override readonly name = 'ShadowDenied'
  constructor(what: string) {
    super(`a shadow version may look but not act: ${what} was not done`)
  }
}

/** Told of each thing that was not done. */
export type OnDenied = (what: string) => void

const READS_OF_ACCOUNTS: ReadonlySet<string | symbol> = new Set(['exists', 'find', 'list', 'count', 'offersDigest', 'verifyPassword', 'verifyDigest'])
/** Methods of sessions that act, and what each returns undone. */
const ACTS_OF_SESSIONS: Readonly<Record<string, () => unknown>> = {
  deliver: () => false,
  whenFlushed: async () => undefined,
  setPresence: () => undefined,
  close: () => undefined,
  hold: () => undefined,
}
/** Queries that read, among them those by which Knex looks whether a table or column is there. */
const READS = /^\s*(?:select\b|pragma\s+(?:table_x?info|index_list|index_info|foreign_key_list)\s*\(|show\s)/i

export function shadowParts<Parts extends ContextParts>(parts: Parts, onDenied: OnDenied): Parts {
  return {
    ...parts,
    facade: shadowFacade(parts.facade, onDenied),
    database: shadowDatabases(parts.database, onDenied),
    metrics: () => ({ metrics: { counter: () => ({ increment: () => undefined }), gauge: () => undefined }, dispose: () => undefined }),
    log: parts.log.child({ shadow: true }),
  }
}

function shadowFacade(facade: ServerFacade, onDenied: OnDenied): ServerFacade {
  const { admins } = facade
  const refused = (what: string) => async (): Promise<never> => {
    onDenied(what)
    throw new ShadowDenied(what)
  }
  return {
    ...facade,
    accounts: shadowAccounts(facade.accounts, onDenied),
    sessions: shadowSessions(facade.sessions, onDenied),
    admins: { has: (user) => admins.has(user), list: () => admins.list(), configured: admins.configured, replace: refused('admins.replace') },
    audit: { record: refused('audit.record') },
    send: () => onDenied('send'),
    route: () => onDenied('route'),
    giveBack: refused('giveBack'),
    registered: () => onDenied('registered'),
  }
}

function shadowAccounts(accounts: Accounts, onDenied: OnDenied): Accounts {
  return new Proxy(accounts, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (READS_OF_ACCOUNTS.has(key)) return value.bind(target) as unknown
      return async () => {
        onDenied(`accounts.${String(key)}`)
        throw new ShadowDenied(`accounts.${String(key)}`)
      }
    },
  })
}

function shadowSessions(sessions: Sessions, onDenied: OnDenied): Sessions {
  const shadow = shadowSession(onDenied) as (session: Session) => ClientSession
  return {
    get: (jid) => {
      const found = sessions.get(jid)
      return found && shadow(found)
    },
    ofUser: (jid) => sessions.ofUser(jid).map(shadow),
    all: () => [...sessions.all()].map(shadow).values(),
    get count() {
      return sessions.count
    },
  }
}

/** @returns what makes of a session one that can be looked at and does nothing; the same one each time */
export function shadowSession(onDenied: OnDenied): (session: Session) => Session {
  const known = new WeakMap<Session, Session>()
  return (session) => {
    const before = known.get(session)
    if (before) return before
    const shadow = new Proxy(session, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        const act = typeof key === 'string' && Object.hasOwn(ACTS_OF_SESSIONS, key) ? ACTS_OF_SESSIONS[key] : undefined
        if (!act) return value.bind(target) as unknown
        return () => {
          onDenied(`session.${String(key)}`)
          return act()
        }
      },
    })
    known.set(session, shadow)
    return shadow
  }
}

function shadowDatabases(databases: PluginDatabases, onDenied: OnDenied): PluginDatabases {
  return {
    forPlugin: (plugin) => shadowDatabase(databases.forPlugin(plugin), onDenied),
    // Tables are those of the version that serves.
    migrate: async () => undefined,
  }
}

function shadowDatabase(database: Database, onDenied: OnDenied): Database {
  const refused = (what: string): ShadowDenied => {
    onDenied(what)
    return new ShadowDenied(what)
  }
  let knex: Knex | undefined
  let lastId = 0
  return {
    client: database.client,
    get knex() {
      knex ??= readOnlyKnex(database.knex, refused)
      return knex
    },
    read: (sql, bindings) =>
      READS.test(sql) ? database.read(sql, bindings) : Promise.reject(refused('database.read of something else than a select')),
    transaction: () => Promise.reject(refused('database.transaction')),
    appender: <R extends Row>() => silentAppender<R>(onDenied),
    // Of no sequence: what is numbered goes nowhere.
    nextId: () => ++lastId,
    isDuplicate: (error) => database.isDuplicate(error),
  }
}

/** Rows are taken, counted, and go nowhere: what waits for them must go on as it would. */
function silentAppender<R extends Row>(onDenied: OnDenied): Appender<R> {
  const append = async () => onDenied('database.append')
  return { append, appendTogether: append, pending: 0, isSaturated: false, whenIdle: async () => undefined }
}

interface RunnableClient {
  runner(builder: { toSQL(): { readonly sql: string } | readonly { readonly sql: string }[] }): { run: () => Promise<unknown> }
  transaction: unknown
}

/** A Knex on the same connections that runs nothing but selects. */
function readOnlyKnex(knex: Knex, refused: (what: string) => ShadowDenied): Knex {
  const copy = knex.withUserParams({})
  const client = copy.client as RunnableClient
  const runner = client.runner.bind(client)
  client.runner = (builder) => {
    const run = runner(builder)
    const statements = [builder.toSQL()].flat()
    if (!statements.every(({ sql }) => READS.test(sql))) return { ...run, run: () => Promise.reject(refused('a database query that writes')) }
    return run
  }
  client.transaction = () => {
    throw refused('database.knex.transaction')
  }
  return copy
}
