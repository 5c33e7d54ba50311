/** Tells plugins what becomes of a session's availability, in the order the hooks promise. */
import { isPromise, type Logger, type MaybePromise, type Presence } from '@beaconfire/plugin-sdk'
import type { HookRegistry } from '../pipeline/hooks.js'
import type { ClientSession } from './client-session.js'

export class Availability {
  readonly #hooks: HookRegistry
  readonly #log: Logger

  constructor(hooks: HookRegistry, log: Logger) {
    this.#hooks = hooks
    this.#log = log
  }

  /** The session's presence was set; `before` is what it was. */
  changed(session: ClientSession, before: Presence | undefined): MaybePromise<void> {
    if (!session.presence) return before && this.#hooks.tell('resourceUnavailable', { session, presence: before })
    const previousPriority = before?.priority
    if (previousPriority === session.priority) return
    const wasReceptive = previousPriority !== undefined && previousPriority >= 0
    const handover = session.priority >= 0 && !wasReceptive ? session.beginHandover() : undefined
    const told = this.#hooks.tell('resourceAvailable', { session, initial: before === undefined, previousPriority })
    if (!handover) return told
    const finish = () => this.#handOver(session, handover)
    return isPromise(told) ? told.then(finish, finish) : finish()
  }

  /** The session has ended and left the registry. */
  async ended(session: ClientSession, abrupt: boolean): Promise<void> {
    try {
      if (session.presence) await session.setPresence(undefined)
    } finally {
      await this.#hooks.tell('sessionClosed', { session, abrupt })
    }
  }

  #handOver(session: ClientSession, handover: { readonly isOverdue: boolean; done(): void }): MaybePromise<void> {
    const told = this.#hooks.tell('keptMessagesDue', { session })
    if (!isPromise(told)) {
      handover.done()
      return
    }
    // The client's next stanza does not wait for this: it may take as long as the client takes to read.
    void told
      .then(() => (handover.isOverdue && session.isOpen ? this.#hooks.tell('keptMessagesDue', { session }) : undefined))
      .catch((error: unknown) => this.#log.error({ jid: session.jid.toString(), error }, 'handing over kept messages failed'))
      .finally(() => handover.done())
  }
}
