/** Who wants copies, and the making of them (XEP-0280). Copies go once the original is routed, to those whom it did not reach. */
import {
  type ClientSession,
  type Crossing,
  type Holder,
  isClientSession,
  isPromise,
  type Jid,
  type MaybePromise,
  type Message,
  type PacketInterceptor,
  type Sessions,
  whenDone,
} from '@beaconfire/plugin-sdk'
import { isEligible } from './eligibility.js'
import { ExchangedMessages } from './exchanged.js'
import { wrapped } from './wrapper.js'

/** Notes the sessions that got the original. */
const REACHED = Symbol('carbons: reached')
const NOBODY: readonly ClientSession[] = []

export class Carbons {
  readonly #sessions: Sessions
  readonly #domain: Jid
  readonly #enabled = new Set<ClientSession>()
  readonly #exchanged = new ExchangedMessages()
  /** What a session is sending, one at a time, with the errors that came back already. */
  readonly #underWay = new WeakMap<ClientSession, { readonly id: string | undefined; readonly errors: Message[] }>()

  constructor(sessions: Sessions, domain: Jid) {
    this.#sessions = sessions
    this.#domain = domain
  }

  enable(session: ClientSession): void {
    if (session.isOpen) this.#enabled.add(session)
  }
  disable(session: ClientSession): void {
    this.#enabled.delete(session)
  }
  enabled(): IterableIterator<ClientSession> {
    return this.#enabled.values()
  }

  interceptors(): PacketInterceptor[] {
    const common = { band: 'observe', when: { stanza: 'message' } } as const
    return [
      {
        ...common,
        name: 'before-routing',
        when: { ...common.when, incoming: true, processed: false },
        interceptPacket: (crossing) => this.#beforeRouting(crossing),
      },
      {
        ...common,
        name: 'handed-over',
        when: { ...common.when, incoming: false, processed: true },
        interceptPacket: (crossing) => this.#handedOver(crossing),
      },
      {
        ...common,
        name: 'after-routing',
        when: { ...common.when, incoming: true, processed: true },
        interceptPacket: (crossing) => this.#afterRouting(crossing),
      },
    ]
  }

  /** An error may come while the message is routed, so it is remembered before. */
  #beforeRouting({ packet, session }: Crossing): void {
    if (this.#enabled.size === 0 || packet.kind !== 'message' || !isClientSession(session)) return
    if (this.#wantCopies(session.jid, [session]).length === 0 || !isEligible(packet, 'sent')) return
    this.#exchanged.add(session, packet.to, packet.id)
    this.#underWay.set(session, { id: packet.id, errors: [] })
  }

  #handedOver(crossing: Crossing): MaybePromise<void> {
    const { packet, session, routed } = crossing
    if (this.#enabled.size === 0 || packet.kind !== 'message' || !isClientSession(session)) return
    if (packet.type !== 'error') {
      const reached = (routed[REACHED] ??= []) as ClientSession[]
      reached.push(session)
      if (this.#wantCopies(session.jid, reached).length > 0 && isEligible(packet, 'received')) this.#exchanged.add(session, packet.from, packet.id)
      return
    }
    // Errors reach one resource each, many of them straight from the server.
    if (!this.#exchanged.has(session, packet.from, packet.id)) return
    const underWay = this.#underWay.get(session)
    if (underWay?.id === packet.id) underWay?.errors.push(packet)
    else return this.#copy(packet, 'received', session.jid, [session], crossing)
  }

  #afterRouting(crossing: Crossing): MaybePromise<void> {
    const { packet, session, routed } = crossing
    if (this.#enabled.size === 0 || packet.kind !== 'message') return
    const reached = (routed[REACHED] as readonly ClientSession[] | undefined) ?? NOBODY
    const sent = isClientSession(session) ? this.#copySent(packet, session, reached, crossing) : undefined
    const received = this.#copyReceived(packet, reached, session.jid, crossing)
    return sent && received ? Promise.all([sent, received]).then(() => {}) : (sent ?? received)
  }

  #copySent(packet: Message, session: ClientSession, reached: readonly ClientSession[], holder: Holder): MaybePromise<void> {
    const isWanted = packet.type === 'error' ? this.#exchanged.has(session, packet.to, packet.id) : isEligible(packet, 'sent')
    const errors = this.#underWay.get(session)?.errors ?? []
    this.#underWay.delete(session)
    const sent = isWanted ? this.#copy(packet, 'sent', session.jid, [session, ...reached], holder) : undefined
    // Nobody is to hear of a failure before hearing of the message.
    return errors.reduce((before, error) => whenDone(before, () => this.#copy(error, 'received', session.jid, [session], holder)), sent)
  }

  /** Not where nobody got the original: it was refused, or is kept for whoever comes first. */
  #copyReceived(packet: Message, reached: readonly ClientSession[], from: Jid, holder: Holder): MaybePromise<void> {
    const { to } = packet
    if (reached.length === 0 || !to || to.domain !== this.#domain.domain) return
    // What one resource sends to another is a sent copy for the third.
    if (to.bare().equals(from.bare()) || !isEligible(packet, 'received')) return
    return this.#copy(packet, 'received', to, reached, holder)
  }

  #copy(packet: Message, direction: 'sent' | 'received', user: Jid, except: readonly ClientSession[], holder: Holder): MaybePromise<void> {
    const targets = this.#wantCopies(user, except)
    if (targets.length === 0) return
    const copy = wrapped(packet, direction, user.bare(), holder)
    let waiting: Promise<unknown>[] | undefined
    for (const target of targets) {
      const addressed = copy.clone()
      addressed.to = target.jid
      // In the server's name: what becomes of a copy is no concern of who sent the original (§10.3).
      const handed = target.deliver(addressed)
      if (isPromise(handed)) (waiting ??= []).push(handed)
    }
    return waiting && Promise.all(waiting).then(() => {})
  }

  #wantCopies(user: Jid, except: readonly ClientSession[]): readonly ClientSession[] {
    const sessions = this.#sessions.ofUser(user)
    if (sessions.length < 2) return NOBODY
    return sessions.filter((it) => this.#enabled.has(it) && !except.includes(it))
  }
}
