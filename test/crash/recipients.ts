/** Those who are sent messages: each behaves in a way of its own, until the end, when all come and stay. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Element } from 'ltx'
import { Client, DOMAIN, type ServerAddress, stanzaIdOf } from './client.js'
import type { Ledger } from './ledger.js'
import type { Random } from './random.js'
import type { Recipient } from './sender.js'

const ROLES = ['online', 'offline', 'detached', 'reconnecting', 'twice'] as const
export type Role = (typeof ROLES)[number]

/** What the server gives a session without a connection, in seconds: some come back later. */
export const RESUME_SECONDS = 3
const STEP_MS = 50

export interface ActorCollaborators {
  readonly server: ServerAddress
  readonly ledger: Ledger
  readonly random: Random
}

export class RecipientActor implements Recipient {
  readonly username: string
  readonly account: string
  readonly addresses: readonly string[]
  readonly #role: Role
  readonly #random: Random
  readonly #clients: Client[]
  #isStaying = false
  #isEnded = false

  constructor(username: string, role: Role, { server, ledger, random }: ActorCollaborators) {
    this.username = username
    this.#role = role
    this.#random = random
    this.account = `${username}@${DOMAIN}`
    const resources = role === 'twice' ? ['desk', 'phone'] : ['phone']
    this.#clients = resources.map((resource) => {
      const note = (message: Element) => noteReceived(ledger, client, message)
      const client: Client = new Client(username, resource, server, { message: note })
      return client
    })
    // To one of two resources alone only the other's promise could be broken: those get all by the bare address.
    this.addresses = role === 'twice' ? [this.account] : [this.account, this.account, `${this.account}/phone`]
  }

  async run(): Promise<void> {
    if (this.#role !== 'offline') for (const client of this.#clients) client.connect()
    while (!this.#isStaying) await this.#behave(this.#clients[0] as Client)
    for (const client of this.#clients) if (!client.isConnecting) client.connect()
    while (!this.#isEnded) await sleep(STEP_MS)
    await Promise.all(this.#clients.map((it) => it.leave()))
  }

  /** Comes online, and stays. */
  stay(): void {
    this.#isStaying = true
  }
  stop(): void {
    this.#isEnded = true
  }
  get isReady(): boolean {
    return this.#clients.every((it) => it.isReady)
  }

  #behave(client: Client): Promise<void> {
    switch (this.#role) {
      case 'offline':
        return this.#comeNowAndThen(client)
      case 'detached':
        return this.#loseConnections(client)
      case 'reconnecting':
        return this.#comeAndGo(client)
      case 'online':
      case 'twice':
        return this.#pause(STEP_MS, STEP_MS)
    }
  }

  async #comeNowAndThen(client: Client): Promise<void> {
    await this.#pause(1000, 5000)
    client.connect()
    await this.#pause(500, 2000)
    if (!this.#isStaying) await client.leave()
  }

  async #loseConnections(client: Client): Promise<void> {
    await this.#pause(200, 1500)
    if (this.#isStaying) return
    client.cut(this.#random.isTrue(0.1) ? this.#random.between(RESUME_SECONDS * 1000, RESUME_SECONDS * 1500) : this.#random.between(50, 1500))
  }

  async #comeAndGo(client: Client): Promise<void> {
    await this.#pause(100, 1000)
    if (this.#isStaying) return
    if (client.isReady && this.#random.isTrue(0.5)) client.abandon()
    else await client.leave()
    await this.#pause(0, 200)
    client.connect()
  }

  /** Cut short at the end. */
  async #pause(least: number, most: number): Promise<void> {
    const until = performance.now() + this.#random.between(least, most)
    while (!this.#isStaying && performance.now() < until) await sleep(Math.min(STEP_MS, Math.max(0, until - performance.now())))
  }
}

export function recipients({ server, ledger, random }: ActorCollaborators, each: number): RecipientActor[] {
  return ROLES.flatMap((role) =>
    Array.from({ length: each }, (_, at) => new RecipientActor(`${role}${at}`, role, { server, ledger, random: random.fork() })),
  )
}

function noteReceived(ledger: Ledger, { name, account }: Client, message: Element): void {
  if (message.attrs.type === 'error') return
  ledger.received({
    client: name,
    account,
    body: message.getChildText('body') ?? '',
    id: message.attrs.id as string | undefined,
    stanzaId: stanzaIdOf(message, account),
    stamp: message.getChild('delay', 'urn:xmpp:delay')?.attrs.stamp as string | undefined,
  })
}
