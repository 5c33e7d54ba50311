/** Hands a stanza to a local session, inside the outgoing chain. */
import { isKept, isPromise, type Logger, type MaybePromise, markKept, type PacketRejected, type Session, type Stanza } from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'
import type { InterceptorChain } from '../pipeline/interceptor-chain.js'
import type { ClientSession } from '../session/client-session.js'
import { copyRecipients } from '../session/delivered-to.js'

export class Delivery {
  /** Stanzas refused at OUT-pre since start. */
  rejected = 0
  readonly #chain: InterceptorChain
  readonly #log: Logger
  readonly #internal: Origin

  constructor(chain: InterceptorChain, internal: Origin, log: Logger) {
    this.#chain = chain
    this.#internal = internal
    this.#log = log
  }

  /** @returns false when it was not handed over: rejected, or the session has ended */
  deliver(stanza: Stanza, session: ClientSession, origin: Origin = this.#internal): MaybePromise<boolean> {
    return this.#chain.around(false, stanza, session, origin, stanza, write, this.#onRejected, ownCopy)
  }

  readonly #onRejected = (rejection: PacketRejected, packet: Stanza, session: Session): void => {
    this.rejected++
    // What is refused in silence may be much: a block list refuses each presence of whom it is about.
    this.#log[rejection.silent ? 'debug' : 'info'](
      { jid: session.jid.toString(), stanzaId: packet.id, condition: rejection.condition, text: rejection.text },
      'an interceptor kept a stanza from its recipient',
    )
  }
}

function write(packet: Stanza, session: Session): MaybePromise<boolean> {
  return (session as ClientSession).write(packet)
}

/** This recipient's, so that no rewrite reaches another; with what core has noted on it. */
function ownCopy(stanza: Stanza): Stanza {
  const copy = stanza.clone()
  if (isKept(stanza)) markKept(copy)
  copyRecipients(stanza, copy)
  return copy
}

/** Runs `step` for each item in order; waits only where one returns a promise. */
export function inOrder<T>(items: readonly T[], step: (item: T) => MaybePromise<unknown>, start = 0): MaybePromise<void> {
  for (let i = start; i < items.length; i++) {
    const done = step(items[i] as T)
    if (isPromise(done)) return done.then(() => inOrder(items, step, i + 1))
  }
}
