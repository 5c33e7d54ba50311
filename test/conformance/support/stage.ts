/** What a file of this tree plays on: one server for all its tests, and users that no other test knows. */
import { after, before } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import {
  type LoginOptions,
  startTestServer,
  type TestClient,
  type TestServer,
  type TestServerOptions,
  type TestStream,
} from '@beaconfire/plugin-sdk/testing'

export class Stage {
  readonly #server: () => TestServer
  #users = 0

  constructor(server: () => TestServer) {
    this.#server = server
  }

  get server(): TestServer {
    return this.#server()
  }

  /** A username that nobody has. */
  name(role = 'user'): string {
    return `${role}${++this.#users}`
  }

  /** An account that nobody is logged in to; its password is its name. @returns its bare JID */
  async account(role?: string): Promise<Jid> {
    const username = this.name(role)
    await this.server.accounts.create({ username, password: username })
    return Jid.of(username, this.server.config.domain)
  }

  /** A new user, logged in; available unless told otherwise. */
  login(options: LoginOptions & { readonly role?: string } = {}): Promise<TestClient> {
    return this.server.login(this.name(options.role), options)
  }

  /** Another resource of the same account. */
  another(account: TestClient | Jid, options: LoginOptions = {}): Promise<TestClient> {
    return this.server.login((account instanceof Jid ? account : account.jid).local, options)
  }

  /** A resource that is available with this priority. */
  async prioritized(account: TestClient | Jid, priority: number): Promise<TestClient> {
    const client = await this.another(account, { available: false })
    client.send(`<presence><priority>${priority}</priority></presence>`)
    await client.sync()
    client.stream.discard('presence')
    return client
  }

  /** A stream that has authenticated and is open again, with nothing bound yet. */
  async authenticated(): Promise<TestStream> {
    const { local } = await this.account()
    const stream = await this.server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', local, local)
    await stream.open()
    return stream
  }
}

/** Starts the server of a test file; it ends with the file. */
export async function openStage(options: TestServerOptions = {}): Promise<Stage> {
  const server = await startTestServer({ after }, options)
  return new Stage(() => server)
}

/**
 * For files that share their process with others, as those beside the code do: the server starts before the tests of the suite in which this
 * is called, and ends with them. @param ready is called once it runs
 */
export function stageOfSuite(options: TestServerOptions, ready: () => void = () => {}): Stage {
  const cleanUps: (() => Promise<void>)[] = []
  let server: TestServer | undefined
  before(async () => {
    server = await startTestServer({ after: (cleanUp) => void cleanUps.push(cleanUp) }, options)
    ready()
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })
  return new Stage(() => {
    if (!server) throw new Error('the server starts with the first test of its suite')
    return server
  })
}
