/** Parts of Knex that are meant to be extended but come without declarations: what is used of them here. */
declare module 'knex/lib/client.js' {
  export default class Client {
    constructor(config: object)
    acquireConnection(): Promise<unknown>
    releaseConnection(connection: unknown): Promise<void>
    acquireRawConnection(): Promise<unknown>
    destroyRawConnection(connection: unknown): Promise<void>
    validateConnection(connection: unknown): boolean
    prepBindings(bindings?: readonly unknown[]): readonly unknown[]
    runner(builder: unknown): unknown
    _query(connection: unknown, query: object): Promise<object>
    _driver(): object
  }
}

declare module 'knex/lib/dialects/better-sqlite3/index.js' {
  export { default } from 'knex/lib/client.js'
}

declare module 'knex/lib/dialects/mysql2/index.js' {
  export { default } from 'knex/lib/client.js'
}

declare module 'knex/lib/execution/runner.js' {
  import type Client from 'knex/lib/client.js'

  /** Runs one built query on a connection. */
  export default class Runner {
    client: Client
    builder: unknown
    connection: unknown
    constructor(client: Client, builder: unknown)
    ensureConnection(work: (runner: Runner, details: unknown) => Promise<unknown>, details?: unknown): Promise<unknown>
  }
}
