/** Romeo and Juliet on npm's stanza, which speaks WebSocket alone: a bridge carries it to the server's direct TLS port. */
import { type Agent, createClient } from 'stanza'
import type { ReceivedMessage, ReceivedPresence } from 'stanza/protocol/index.js'

const { XMPP_DOMAIN: domain = '', XMPP_WEBSOCKET: websocket = '' } = process.env
const fact = (text: string) => void process.stdout.write(`${text}\n`)

type Received = { readonly kind: 'message'; readonly stanza: ReceivedMessage } | { readonly kind: 'presence'; readonly stanza: ReceivedPresence }

class Actor {
  readonly jid: string
  readonly agent: Agent
  readonly #name: string
  readonly #queued: Received[] = []
  #wake: () => void = () => {}
  #mechanism = ''

  constructor(name: string, isNew: boolean) {
    this.#name = name
    this.jid = `${name}@${domain}`
    const password = `secret of ${name}`
    this.agent = createClient({ jid: this.jid, password, resource: 'npm', transports: { websocket, bosh: false }, autoReconnect: false })
    if (isNew) {
      this.agent.registerFeature('inbandRegistration', 50, async (_features, done) => {
        await this.agent.sendIQ({ type: 'set', account: { username: name, password } })
        fact(`${name} registered`)
        this.agent.features.negotiated.inbandRegistration = true
        done()
      })
    }
    this.agent.on('raw', (direction, xml) => {
      const chosen = direction === 'outgoing' && /mechanism="([^"]+)"/.exec(String(xml))
      if (chosen) this.#mechanism = chosen[1] as string
    })
    this.agent.on('message', (stanza) => this.#put({ kind: 'message', stanza }))
    this.agent.on('presence', (stanza) => this.#put({ kind: 'presence', stanza }))
    this.agent.on('stream:error', (error) => {
      process.stderr.write(`${name}: ${JSON.stringify(error)}\n`)
      process.exit(1)
    })
  }

  async logIn(): Promise<void> {
    const started = new Promise((resolve, reject) => {
      this.agent.once('session:started', resolve)
      this.agent.once('auth:failed', () => reject(new Error('authentication failed')))
    })
    this.agent.connect()
    await started
  }

  reportLogin(): void {
    fact(`${this.#name} logged in with ${this.#mechanism.split('-')[0]} inside TLS`)
  }

  async message(): Promise<ReceivedMessage> {
    return (await this.#receive((it) => it.kind === 'message')).stanza as ReceivedMessage
  }

  async presence(from: Actor, type: string): Promise<void> {
    await this.#receive((it) => it.kind === 'presence' && it.stanza.from.startsWith(from.jid) && (it.stanza.type ?? 'available') === type)
  }

  async subscription(contact: Actor): Promise<string | undefined> {
    return (await this.agent.getRoster()).items.find((it) => it.jid === contact.jid)?.subscription
  }

  /** Goes once all that came is acknowledged (XEP-0198): a message that is not would come again at the next login. */
  async leave(): Promise<void> {
    await this.agent.getRoster()
    const gone = new Promise((resolve) => this.agent.once('disconnected', resolve))
    this.agent.disconnect()
    await gone
  }

  #put(received: Received): void {
    this.#queued.push(received)
    this.#wake()
  }

  async #receive(matches: (received: Received) => boolean): Promise<Received> {
    for (;;) {
      const index = this.#queued.findIndex(matches)
      if (index >= 0) return this.#queued.splice(index, 1)[0] as Received
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

async function play(): Promise<void> {
  const [romeo, first] = [new Actor('romeo', true), new Actor('juliet', true)]
  for (const actor of [romeo, first]) await actor.logIn()
  for (const actor of [romeo, first]) actor.reportLogin()
  for (const actor of [romeo, first]) {
    actor.agent.sendPresence()
    await actor.agent.getRoster()
  }

  await subscribe(romeo, first)
  fact('juliet approved romeo')
  await subscribe(first, romeo)
  fact('romeo approved juliet')
  fact(`juliet in romeo's roster: ${await romeo.subscription(first)}`)
  fact(`romeo in juliet's roster: ${await first.subscription(romeo)}`)
  await first.presence(romeo, 'available')
  fact('juliet sees romeo available')

  romeo.agent.sendMessage({ to: first.jid, type: 'chat', body: 'Wherefore art thou?' })
  fact(`juliet got: ${(await first.message()).body}`)

  await first.leave()
  await romeo.presence(first, 'unavailable')
  fact('romeo sees juliet unavailable')
  romeo.agent.sendMessage({ to: first.jid, type: 'chat', body: 'Come back!' })
  await romeo.agent.getRoster()
  const second = new Actor('juliet', false)
  await second.logIn()
  second.reportLogin()
  second.agent.sendPresence()
  const late = await second.message()
  fact(`juliet got ${late.delay ? 'delayed' : 'at once'}: ${late.body}`)
  await second.leave()
  await romeo.leave()
}

async function subscribe(asker: Actor, asked: Actor): Promise<void> {
  asker.agent.subscribe(asked.jid)
  await asked.presence(asker, 'subscribe')
  asked.agent.acceptSubscription(asker.jid)
  await asker.presence(asked, 'subscribed')
}

await play()
process.exit(0)
