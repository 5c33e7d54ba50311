/** Stanzas for accounts of this domain: which of their sessions get it, and what happens when none does (RFC 6121 §8.5). */
import { type Accounts, isPromise, type Jid, type MaybePromise, type Message, type Presence, StanzaError, whenDone } from '@beaconfire/plugin-sdk'
import { inOrder } from '../delivery/delivery.js'
import type { Origin } from '../pipeline/crossing.js'
import type { HookRegistry } from '../pipeline/hooks.js'
import type { ClientSession } from '../session/client-session.js'
import { noteRecipients } from '../session/delivered-to.js'
import { bareJidTargets, whenUndelivered } from './message-rules.js'

export interface LocalSessions {
  get(fullJid: Jid): ClientSession | undefined
  ofUser(jid: Jid): readonly ClientSession[]
}

export interface LocalDeliveryCollaborators {
  readonly sessions: LocalSessions
  readonly hooks: HookRegistry
  readonly accounts: Pick<Accounts, 'exists'>
  /** True: a message to a bare JID reaches every willing resource; false: those of the highest priority. */
  readonly allResources: boolean
}

export class LocalDelivery {
  readonly #server: LocalDeliveryCollaborators

  constructor(server: LocalDeliveryCollaborators) {
    this.#server = server
  }

  session(fullJid: Jid): ClientSession | undefined {
    return this.#server.sessions.get(fullJid)
  }

  /** @throws StanzaError service-unavailable when it reaches nobody and the sender must know */
  message(message: Message, to: Jid, origin: Origin): MaybePromise<void> {
    const { sessions, allResources } = this.#server
    const handover = this.#handoverUnderWay(to)
    if (handover) return handover.then(() => this.message(message, to, origin))
    if (to.resource !== '') {
      const session = sessions.get(to)
      if (session?.isOpen) return this.#handTo([session], message, to, origin)
      // §8.5.3.2.1: a chat message to a resource that is gone goes to the account; the others do not.
      if (message.type !== 'chat') return this.#undelivered(message, to, origin)
    }
    return this.#handTo(bareJidTargets(sessions.ofUser(to), message, allResources), message, to, origin)
  }

  /** A session of this account is getting what was kept for it: live messages do not overtake that. */
  #handoverUnderWay(to: Jid): Promise<void> | undefined {
    for (const session of this.#server.sessions.ofUser(to)) {
      if (session.handover) return session.handover
    }
    return undefined
  }

  /** §8.5.2.1.2, §8.5.3: presence is never kept; what plugins leave is delivered or dropped. */
  presence(presence: Presence, to: Jid, origin: Origin): MaybePromise<void> {
    return whenDone(this.#server.accounts.exists(to.local), (exists) => {
      if (!exists) return // §8.5.1: ignored, so that accounts cannot be probed
      return whenDone(this.#server.hooks.ask('presenceReceived', { presence, recipient: to, origin }), (verdict) => {
        if (verdict === 'pass') return inOrder(this.#presenceTargets(presence, to), (session) => session.deliver(presence, origin))
      })
    })
  }

  #presenceTargets(presence: Presence, to: Jid): readonly ClientSession[] {
    const { sessions } = this.#server
    if (to.resource !== '') return [sessions.get(to) ?? []].flat()
    if (presence.type === 'probe') return []
    return sessions.ofUser(to).filter((it) => it.isAvailable)
  }

  #handTo(targets: readonly ClientSession[], message: Message, to: Jid, origin: Origin): MaybePromise<void> {
    const only = targets.length === 1 ? targets[0] : undefined
    if (only) {
      const handed = only.deliver(message, origin)
      if (handed === true) return
      return whenDone(handed, (taken) => (taken || only.isOpen ? undefined : this.#undelivered(message, to, origin)))
    }
    if (targets.length === 0) return this.#undelivered(message, to, origin)
    noteRecipients(message, targets)
    let reached = false
    // A session that is still open and did not get it has an interceptor that did not want it to.
    const each = inOrder(targets, (session) => whenDone(session.deliver(message, origin), (taken) => void (reached ||= taken || session.isOpen)))
    const finish = () => (reached ? undefined : this.#undelivered(message, to, origin))
    return isPromise(each) ? each.then(finish) : finish()
  }

  #undelivered(message: Message, to: Jid, origin: Origin): MaybePromise<void> {
    const fate = whenUndelivered(message, to.resource !== '')
    if (fate === 'drop') return
    if (fate === 'bounce') throw new StanzaError('service-unavailable')
    return whenDone(this.#server.accounts.exists(to.local), (exists) => {
      if (!exists) throw new StanzaError('service-unavailable')
      const verdict = this.#server.hooks.ask('messageUndelivered', {
        message,
        recipient: to.bare(),
        origin,
        isGivenBack: origin.isGivingBack ?? false,
        hold: (durable) => origin.hold(durable),
      })
      return whenDone(verdict, (said) => {
        if (said === 'pass') throw new StanzaError('service-unavailable')
      })
    })
  }
}
