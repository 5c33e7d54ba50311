/** Romeo and Juliet on npm's @xmpp/client: STARTTLS with the certificate verified, SCRAM-SHA-1. */
import { client, type Entity, xml } from '@xmpp/client'
import type { Element } from 'ltx'

const { XMPP_DOMAIN: domain = '', XMPP_PORT: port = '' } = process.env
const fact = (text: string) => void process.stdout.write(`${text}\n`)

class Actor {
  readonly jid: string
  readonly #name: string
  readonly #entity: Entity
  readonly #queued: Element[] = []
  #wake: () => void = () => {}

  private constructor(name: string, isNew: boolean) {
    this.#name = name
    this.jid = `${name}@${domain}`
    this.#entity = client({
      service: `xmpp://127.0.0.1:${port}`,
      domain,
      resource: 'npm',
      credentials: async (authenticate, mechanisms, _fast, entity) => {
        if (isNew) await this.#register(entity)
        const mechanism = mechanisms.find((it) => it.startsWith('SCRAM-'))
        if (!mechanism) throw new Error(`no SCRAM among ${mechanisms.join(', ')}`)
        await authenticate({ username: name, password: `secret of ${name}` }, mechanism)
        this.mechanism = mechanism
      },
    })
    this.#entity.on('stanza', (stanza: Element) => {
      this.#queued.push(stanza)
      this.#wake()
    })
    this.#entity.on('error', (error: Error) => {
      process.stderr.write(`${name}: ${error.stack}\n`)
      process.exit(1)
    })
  }
  mechanism = ''

  static async create(name: string): Promise<Actor> {
    const actor = new Actor(name, true)
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

  async #register(entity: Entity): Promise<void> {
    const form = xml('query', { xmlns: 'jabber:iq:register' }, xml('username', {}, this.#name), xml('password', {}, `secret of ${this.#name}`))
    await entity.iqCaller.request(xml('iq', { type: 'set' }, form))
    fact(`${this.#name} registered`)
  }

  async leave(): Promise<void> {
    await this.#entity.stop()
  }
}

async function play(): Promise<void> {
  const romeo = await Actor.create('romeo')
  let juliet = await Actor.create('juliet')
  for (const actor of [romeo, juliet]) actor.reportLogin()
  await romeo.send('presence')
  await juliet.send('presence')
  for (const actor of [romeo, juliet]) await actor.roster()

  await subscribe(romeo, juliet)
  fact('juliet approved romeo')
  await subscribe(juliet, romeo)
  fact('romeo approved juliet')
  const subscription = async (owner: Actor, contact: Actor) => (await owner.roster()).find((it) => it.attrs.jid === contact.jid)?.attrs.subscription
  fact(`juliet in romeo's roster: ${await subscription(romeo, juliet)}`)
  fact(`romeo in juliet's roster: ${await subscription(juliet, romeo)}`)
  await juliet.receivePresence(romeo, undefined)
  fact('juliet sees romeo available')

  await romeo.send('message', { to: juliet.jid, type: 'chat' }, xml('body', {}, 'Wherefore art thou?'))
  fact(`juliet got: ${(await juliet.receive((it) => it.is('message'))).getChildText('body')}`)

  await juliet.leave()
  await romeo.receivePresence(juliet, 'unavailable')
  fact('romeo sees juliet unavailable')
  await romeo.send('message', { to: juliet.jid, type: 'chat' }, xml('body', {}, 'Come back!'))
  await romeo.roster()
  juliet = await Actor.logIn('juliet')
  await juliet.send('presence')
  const late = await juliet.receive((it) => it.is('message'))
  fact(`juliet got ${late.getChild('delay', 'urn:xmpp:delay') ? 'delayed' : 'at once'}: ${late.getChildText('body')}`)
  await juliet.leave()
  await romeo.leave()
}

async function subscribe(from: Actor, to: Actor): Promise<void> {
  await from.send('presence', { to: to.jid, type: 'subscribe' })
  await to.receivePresence(from, 'subscribe')
  await to.send('presence', { to: from.jid, type: 'subscribed' })
  await from.receivePresence(to, 'subscribed')
}

await play()
