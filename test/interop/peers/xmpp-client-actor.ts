/** A user on npm's @xmpp/client: STARTTLS with the certificate verified, the first SCRAM the server offers. */
import { client, type Entity, xml } from '@xmpp/client'
import type { Element } from 'ltx'

const { XMPP_DOMAIN: domain = '', XMPP_PORT: port = '' } = process.env
/** For an answer of the server. @xmpp/client's own 2 s are too few on a machine that does much else. */
export const ANSWER_LIMIT_MS = 30_000

/** Prints what happened, a line each. */
export const fact = (text: string): void => void process.stdout.write(`${text}\n`)

const seen = new Set<string>()

/**
 * A message that came before: @xmpp/client does not count the answers to its requests, so what it got last is not acknowledged when it
 * goes (XEP-0198), and comes again, with the same id (XEP-0359).
 */
function isRepeat(stanza: Element): boolean {
  const id: unknown = stanza.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs.id
  if (!stanza.is('message') || typeof id !== 'string') return false
  const isKnown = seen.has(id)
  seen.add(id)
  return isKnown
}

export class Actor {
  readonly jid: string
  readonly #name: string
  readonly #entity: Entity
  readonly #queued: Element[] = []
  #wake: () => void = () => {}

  private constructor(name: string, isNew: boolean, first?: (entity: Entity) => Promise<void>) {
    this.#name = name
    this.jid = `${name}@${domain}`
    this.#entity = client({
      service: `xmpp://127.0.0.1:${port}`,
      domain,
      resource: 'npm',
      timeout: ANSWER_LIMIT_MS,
      credentials: async (authenticate, mechanisms, _fast, entity) => {
        await first?.(entity)
        if (isNew) await this.#register(entity)
        const mechanism = mechanisms.find((it) => it.startsWith('SCRAM-'))
        if (!mechanism) throw new Error(`no SCRAM among ${mechanisms.join(', ')}`)
        await authenticate({ username: name, password: `secret of ${name}` }, mechanism)
        this.mechanism = mechanism
      },
    })
    this.#entity.on('stanza', (stanza: Element) => {
      if (isRepeat(stanza)) return
      this.#queued.push(stanza)
      this.#wake()
    })
    this.#entity.on('error', (error: Error & { readonly code?: string }) => {
      // The library answers what was on its way when it ended the stream.
      if (this.#isLeaving && error.code === 'ERR_STREAM_WRITE_AFTER_END') return
      process.stderr.write(`${name}: ${error.stack}\n`)
      process.exit(1)
    })
  }
  mechanism = ''
  #isLeaving = false

  /** @param first is done on the stream before the account is made */
  static async create(name: string, first?: (entity: Entity) => Promise<void>): Promise<Actor> {
    const actor = new Actor(name, true, first)
    await actor.#entity.start()
    return actor
  }

  static async logIn(name: string): Promise<Actor> {
    const actor = new Actor(name, false)
    await actor.#entity.start()
    actor.reportLogin()
    return actor
  }

  reportLogin(): void {
    fact(`${this.#name} logged in with ${this.mechanism.split('-')[0]} ${this.#entity.isSecure() ? 'inside' : 'without'} TLS`)
  }

  send(name: string, attributes: Record<string, string> = {}, ...children: Element[]): Promise<void> {
    return this.#entity.send(xml(name, attributes, ...children))
  }

  async receive(matches: (stanza: Element) => boolean): Promise<Element> {
    for (;;) {
      const index = this.#queued.findIndex(matches)
      if (index >= 0) return this.#queued.splice(index, 1)[0] as Element
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  receivePresence(from: Actor, type: string | undefined): Promise<Element> {
    return this.receive((it) => it.is('presence') && String(it.attrs.from).startsWith(from.jid) && it.attrs.type === type)
  }

  /** Asks for the roster, which also shows that all sent before was handled. */
  async roster(): Promise<Element[]> {
    const answer = await this.#entity.iqCaller.request(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })))
    return answer.getChild('query')?.getChildren('item') ?? []
  }

  /** Sends a set to the own account. */
  async request(payload: Element): Promise<void> {
    await this.#entity.iqCaller.request(xml('iq', { type: 'set' }, payload))
  }

  async #register(entity: Entity): Promise<void> {
    const form = xml('query', { xmlns: 'jabber:iq:register' }, xml('username', {}, this.#name), xml('password', {}, `secret of ${this.#name}`))
    await entity.iqCaller.request(xml('iq', { type: 'set' }, form))
    fact(`${this.#name} registered`)
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    this.#entity.reconnect.stop() // where the server ends the connection first, the library takes it for lost
    await this.#entity.stop()
  }
}
