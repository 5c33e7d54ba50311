/** A database that is slow or fails, for one plugin or for all: what the kit lays over the server's own. */
import type { Knex } from 'knex'
import type { Appender, ColumnValue, Database, Row } from '../index.js'

/** What a plugin asks of its database: a statement, a transaction, a row for an appender, a number of a sequence. */
export type DatabaseOperation = 'statement' | 'transaction' | 'row' | 'number'

/** Without `fail`, `delay` and `until` it breaks nothing, and only counts. */
export interface DatabaseFault {
  /** Whose queries; those of every plugin and of core unless given. Core's own are `beaconfire` and `beaconfire-audit`. */
  readonly plugin?: string
  /** Which of them meet it; all unless given. */
  readonly only?: readonly DatabaseOperation[]
  /** Every query fails with it. */
  readonly fail?: Error
  /** Every query waits so long first, in ms; on the virtual clock, where there is one. */
  readonly delay?: number
  /** Every query waits for this first: exact, where a delay is a guess. */
  readonly until?: Promise<unknown>
  /** Appenders say that they are saturated, as when more rows wait for the disk than they want. */
  readonly saturated?: boolean
}

/** A fault that is there until it is mended. */
export interface ActiveFault {
  /** Queries, transactions and rows it has met so far. */
  readonly hits: number
  mend(): void
}

class Fault implements ActiveFault {
  readonly what: DatabaseFault
  hits = 0
  readonly #mend: (fault: Fault) => void

  constructor(what: DatabaseFault, mend: (fault: Fault) => void) {
    this.what = what
    this.#mend = mend
  }

  mend(): void {
    this.#mend(this)
  }
}

interface Databases {
  forPlugin(plugin: string): Database
}

interface RunnableClient {
  runner(builder: unknown): { run: () => Promise<unknown> }
}

export class DatabaseFaults {
  readonly #active = new Set<Fault>()

  add(what: DatabaseFault): ActiveFault {
    const fault = new Fault(what, (it) => void this.#active.delete(it))
    this.#active.add(fault)
    return fault
  }

  mendAll(): void {
    this.#active.clear()
  }

  /** The same database, whose queries meet the faults. Migrations do not: plugins could not start. */
  over<D extends Databases>(databases: D): D {
    const own = new Map<string, Database>()
    const forPlugin = (plugin: string): Database => {
      const known = own.get(plugin) ?? this.#faulty(plugin, databases.forPlugin(plugin))
      own.set(plugin, known)
      return known
    }
    return new Proxy(databases, {
      get(target, key) {
        if (key === 'forPlugin') return forPlugin
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  #faulty(plugin: string, database: Database): Database {
    const pass = (operation: DatabaseOperation) => this.#pass(plugin, operation)
    const isSaturated = () => this.#of(plugin).some(({ what }) => what.saturated)
    let knex: Knex | undefined
    return {
      client: database.client,
      get knex() {
        knex ??= faultyKnex(database.knex, () => pass('statement'))
        return knex
      },
      read: <R extends object>(sql: string, bindings: readonly ColumnValue[]) => afterwards(pass('statement'), () => database.read<R>(sql, bindings)),
      transaction: (work) => afterwards(pass('transaction'), () => database.transaction(work)),
      appender: (table, columns) => faultyAppender(database.appender(table, columns), () => pass('row'), isSaturated),
      nextId: (idType) => {
        const fault = pass('number')
        return fault ? fault.then(() => database.nextId(idType)) : database.nextId(idType)
      },
      isDuplicate: (error) => database.isDuplicate(error),
    }
  }

  /** @returns undefined where nothing is in the way, so that what is synchronous without faults stays so */
  #pass(plugin: string, operation: DatabaseOperation): Promise<void> | undefined {
    const met = this.#of(plugin).filter(({ what }) => what.only?.includes(operation) ?? true)
    return met.length === 0 ? undefined : meet(met)
  }

  #of(plugin: string): Fault[] {
    return [...this.#active].filter(({ what }) => what.plugin === undefined || what.plugin === plugin)
  }
}

async function meet(faults: readonly Fault[]): Promise<void> {
  for (const fault of faults) fault.hits++
  for (const { what } of faults) {
    await what.until
    const { delay } = what
    if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay))
    if (what.fail) throw what.fail
  }
}

function afterwards<T>(fault: Promise<void> | undefined, act: () => Promise<T>): Promise<T> {
  return fault ? fault.then(act) : act()
}

/** Knex on the same connections, whose every statement passes the faults first. */
function faultyKnex(knex: Knex, pass: () => Promise<void> | undefined): Knex {
  const copy = knex.withUserParams({})
  const client = copy.client as RunnableClient
  const runner = client.runner.bind(client)
  client.runner = (builder) => {
    const made = runner(builder)
    const run = made.run.bind(made)
    made.run = () => afterwards(pass(), run)
    return made
  }
  return copy
}

/** Rows that wait for a fault are pending; they reach the queue in the order in which they came. */
function faultyAppender<R extends Row>(appender: Appender<R>, pass: () => Promise<void> | undefined, isSaturated: () => boolean): Appender<R> {
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  const after = (append: () => Promise<void>, later = append, failed?: (error: unknown) => void): Promise<void> => {
    const fault = pass()
    if (!fault && waiting === 0) return append()
    waiting++
    const before = last
    const stored = (async () => {
      try {
        await fault
        await before
      } finally {
        waiting--
      }
      return later()
    })()
    last = stored.catch((error: unknown) => failed?.(error)) // told to who appended it, too
    return stored
  }
  return {
    append: (row) => after(() => appender.append(row)),
    appendTogether: (row, refused) =>
      after(
        () => appender.appendTogether(row, refused),
        () => appender.append(row), // one that has to wait goes alone
        (error) => refused(error, row),
      ),
    get pending() {
      return waiting + appender.pending
    },
    get isSaturated() {
      return isSaturated() || appender.isSaturated
    },
    whenIdle: async () => {
      await last
      await appender.whenIdle()
    },
  }
}
