/** Servers with kept messages, and clients that acknowledge less than they get (XEP-0198). */
import { type Element, element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, TestClient, type TestScope, type TestServer, type TestServerOptions } from '@beaconfire/plugin-sdk/testing'
import deliveryJournal from '../../plugins/delivery-journal/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])
const config = { plugins: { settings: { 'offline-storage': { policy: 'store' } } } }

export interface Mailbox {
  readonly server: TestServer
  readonly romeo: TestClient
  /** Bodies of what is kept, in order. */
  kept(): Promise<string[]>
  /** Waits for the table to hold so many. */
  keeps(count: number): Promise<void>
}

/** Juliet is absent, and so many messages of Romeo's are kept for her: `0`, `1` and so on. */
export async function mailbox(t: TestScope, count: number, options: TestServerOptions = { clock: 'virtual' }): Promise<Mailbox> {
  const server = await startTestServer(t, { plugins: [roster, presence, offlineStorage, deliveryJournal], config, ...options })
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  for (let i = 0; i < count; i++) romeo.send(chat(i))
  await romeo.sync()
  const { knex } = server.database.forPlugin('test')
  const kept = async () => {
    const rows = (await knex('ofOffline').orderBy('messageID').select('stanza')) as { stanza: string }[]
    return rows.map(({ stanza }) => /<body>(.*?)<\/body>/.exec(stanza)?.[1] ?? '')
  }
  const keeps = async (wanted: number) => {
    for (let looks = 0; (await kept()).length !== wanted; looks++) {
      if (looks > 5000) throw new Error(`${(await kept()).length} messages are kept, not ${wanted}`)
    }
  }
  await keeps(count)
  return { server, romeo, kept, keeps }
}

export function chat(body: string | number): Element {
  return element('message', { to: 'juliet@test', type: 'chat' }, element('body', {}, String(body)))
}

export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => String(from + at))
}

/** The bodies of the next so many messages. */
export async function bodies(client: TestClient, count: number): Promise<(string | null)[]> {
  const got: (string | null)[] = []
  while (got.length < count) got.push((await client.receive('message')).getChildText('body'))
  return got
}

export interface Lag {
  /** How many of the last stanzas it leaves out. */
  readonly behind?: number
  /** How many messages it acknowledges at most. */
  readonly upTo?: number
  readonly mayResume?: boolean
}

/** A client under stream management that answers every request with a count that is too small. */
export class LaggingClient {
  #stanzas = 0
  #behind: number
  readonly #mostMessages: number
  #messages = 0
  /** Stanzas up to the last of these. */
  #most = Number.POSITIVE_INFINITY
  client: TestClient
  readonly id: string

  private constructor(client: TestClient, id: string, { behind = 0, upTo = Number.POSITIVE_INFINITY }: Lag) {
    this.id = id
    this.#behind = behind
    this.#mostMessages = upTo
    if (upTo === 0) this.#most = 0
    this.client = client
    this.#count(client)
  }

  static async login(server: TestServer, resource: string, lag: Lag): Promise<LaggingClient> {
    return LaggingClient.enable(await server.login('juliet', { resource, available: false }), lag)
  }

  /** @param client is not available yet */
  static async enable(client: TestClient, lag: Lag): Promise<LaggingClient> {
    client.send(element('enable', { xmlns: NS.streamManagement, ...(lag.mayResume && { resume: 'true' }) }))
    const { id } = (await client.receive('enabled')).attrs as { id: string }
    const lagging = new LaggingClient(client, id, lag)
    client.send('<presence/>')
    return lagging
  }

  get h(): number {
    return Math.max(0, Math.min(this.#most, this.#stanzas - this.#behind))
  }

  acknowledgeAll(): void {
    this.#most = Number.POSITIVE_INFINITY
    this.#behind = 0
    this.acknowledge()
  }

  acknowledge(): void {
    this.client.send(element('a', { xmlns: NS.streamManagement, h: this.h }))
  }

  /** On another connection, where it gets again what it has not acknowledged. */
  async resume(server: TestServer): Promise<void> {
    const { h } = this
    const stream = await server.connect()
    await stream.open()
    await stream.authenticate('PLAIN', 'juliet', 'juliet')
    await stream.open()
    this.client = new TestClient(stream, this.client.jid)
    this.#stanzas = h
    this.#count(this.client)
    stream.send(element('resume', { xmlns: NS.streamManagement, previd: this.id, h }))
    await stream.receive('resumed')
  }

  #count(client: TestClient): void {
    client.stream.observe({
      sent() {},
      received: (el) => {
        if (STANZAS.has(el.getName())) this.#stanzas++
        if (el.getName() === 'message' && ++this.#messages === this.#mostMessages) this.#most = this.#stanzas
        else if (el.is('r', NS.streamManagement)) this.acknowledge()
      },
    })
  }
}
