/** The users of one run: their connections, and the first thing that goes wrong with any of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ClientConnection } from './client-connection.js'
import { logIn, register } from './login.js'
import type { GeneratorRequest, Mechanism } from './request.js'
import { ScramKeyCache } from './scram-keys.js'

/** Logins under way at a time where logging in is not what is measured. */
const SETUP_CONCURRENCY = 20

export class Crowd {
  readonly keys: ScramKeyCache
  /** Rejects when a connection is lost that should stay. */
  readonly failed: Promise<never>
  readonly #request: GeneratorRequest
  readonly #connections: ClientConnection[] = []
  #fail: (error: Error) => void = () => {}

  constructor(request: GeneratorRequest) {
    this.#request = request
    this.keys = new ScramKeyCache(request.scramKeysFile)
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    // Whoever waits for work races it with this promise; while nobody does, a loss is not to end the process.
    this.failed.catch(() => {})
  }

  bare(index: number): string {
    return `${this.#request.accounts.prefix}${index}@${this.#request.target.domain}`
  }

  /** A connection not opened yet. */
  connection(index: number): ClientConnection {
    const connection = new ClientConnection(this.#request.target, `${this.#request.accounts.prefix}${index}`, index)
    connection.onLost = this.#fail
    this.#connections.push(connection)
    return connection
  }

  async logIn(connection: ClientConnection, mechanism: Mechanism = 'SCRAM-SHA-1', presence = true): Promise<ClientConnection> {
    await logIn(connection, { password: this.#request.accounts.password, mechanism, keys: this.keys }, presence)
    return connection
  }

  /** Sessions of these users, in their order. */
  async sessions(indexes: readonly number[]): Promise<ClientConnection[]> {
    const connections = indexes.map((index) => this.connection(index))
    await eachOf(connections, SETUP_CONCURRENCY, (it) => this.logIn(it))
    return connections
  }

  /** Sessions of these users, `each` of one user by resources of their own. @param presence whether they send their own */
  async manySessions(indexes: readonly number[], each: number, presence: boolean): Promise<ClientConnection[]> {
    const connections = indexes.flatMap((index) =>
      range(0, each).map((at) => {
        const connection = this.connection(index)
        connection.resource = `bench${at}`
        return connection
      }),
    )
    await eachOf(connections, SETUP_CONCURRENCY, (it) => this.logIn(it, 'SCRAM-SHA-1', presence))
    return connections
  }

  /** Logs in, and is gone again. */
  async visit(index: number, mechanism: Mechanism, presence = true): Promise<void> {
    const connection = await this.logIn(this.connection(index), mechanism, presence)
    connection.close()
  }

  register(index: number): Promise<void> {
    return register(this.connection(index), this.#request.accounts.password)
  }

  /** Logs in whoever has not been seen before, so that no PBKDF2 of a client is in a measured login. */
  async learnKeys(indexes: readonly number[]): Promise<void> {
    const unknown = indexes.filter((index) => !this.keys.knows(`${this.#request.accounts.prefix}${index}`))
    await eachOf(unknown, 8, (index) => this.visit(index, 'SCRAM-SHA-1', false))
    this.keys.save()
  }

  async closeAll(): Promise<void> {
    for (const it of this.#connections) it.close()
    await sleep(50)
    for (const it of this.#connections) it.destroy()
    this.#connections.length = 0
  }
}

/** Handles the items in order, `concurrency` at a time. */
export async function eachOf<Item>(items: readonly Item[], concurrency: number, handle: (item: Item) => Promise<unknown>): Promise<void> {
  const rest = items.values()
  const worker = async () => {
    for (const item of rest) await handle(item)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
}

export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => from + at)
}
