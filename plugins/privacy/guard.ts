/** Keeps blocked stanzas from where they must not go (XEP-0016 §2.13, XEP-0191 §3.3). Who has no list is not looked at twice. */
import {
  type Crossing,
  element,
  type Hooks,
  isClientSession,
  isPromise,
  type Jid,
  type Logger,
  type MaybePromise,
  NS,
  type PacketInterceptor,
  PacketRejected,
  type Session,
  type Stanza,
  StanzaError,
  type Verdict,
} from '@beaconfire/plugin-sdk'
import { type Denial, incomingTraffic, type Judge, outgoingTraffic } from './judge.js'
import { isBlock } from './privacy-list.js'

/** Notes on a stanza that it is the server's own doing after a change of lists, and past their rules. */
const EXEMPT: unique symbol = Symbol('exempt from privacy lists')

export function exempt<S extends Stanza>(stanza: S): S {
  stanza[EXEMPT] = true
  return stanza
}

type Asked = MaybePromise<Denial | undefined>

/** What a user sends (before it is routed), and what anybody is about to get. */
export function guards(judge: Judge, log: Logger): PacketInterceptor[] {
  const common = { band: 'guard', readOnly: true } as const
  return [
    {
      ...common,
      name: 'sent',
      when: { incoming: true, processed: false },
      interceptPacket({ packet, session }) {
        const { to } = packet
        if (!to || !isClientSession(session) || !judge.isConcerned(session.jid, to)) return
        return rejecting(judge.forSession(session, outgoingTraffic(packet), to), refusalOfSent, log, session)
      },
    },
    { ...common, name: 'delivered', when: { incoming: false, processed: false }, interceptPacket: (crossing) => delivered(judge, crossing, log) },
  ]
}

/** Errors and answers pass: the server's own are among them, and those of others were looked at when they came. */
function delivered(judge: Judge, { packet, session, routed }: Crossing, log: Logger): MaybePromise<void> {
  const { from, type } = packet
  if (!from || type === 'error' || type === 'result') return
  if (!isClientSession(session)) return leaving(judge, packet, from, session, packet.to, log)
  if (judge.isConcerned(session.jid, from) && routed[EXEMPT] !== true) {
    const asked = judge.forSession(session, incomingTraffic(packet), from)
    const kept = rejecting(asked, refusalOfDelivered, log, session, packet.kind === 'message')
    if (isPromise(kept)) return kept.then(() => leaving(judge, packet, from, session, session.jid, log, routed[EXEMPT] === true))
  }
  return leaving(judge, packet, from, session, session.jid, log, routed[EXEMPT] === true)
}

/** By the lists of the account here that it is from: its presence is carried to contacts without passing the incoming chain. */
function leaving(
  judge: Judge,
  packet: Stanza,
  from: Jid,
  session: Session,
  peer: Jid | undefined,
  log: Logger,
  isExempt = false,
): MaybePromise<void> {
  if (isExempt || !peer || !judge.isConcerned(from, peer)) return
  return rejecting(judge.forAccount(from, outgoingTraffic(packet), peer), refusalOfDelivered, log, session, packet.kind === 'message')
}

/** The hook that is asked before anything else is done about a stanza for an account. */
export function arrivals(judge: Judge, log: Logger): Pick<Hooks, 'stanzaArrived'> {
  return {
    stanzaArrived({ stanza, recipient }) {
      const { from } = stanza
      if (!from || !judge.isConcerned(recipient, from)) return 'pass'
      const refuse = (denial: Denial | undefined): Verdict => (denial ? refuseArrival(stanza) : 'pass')
      const asked = arrivalDenied(judge, stanza, recipient, from)
      return isPromise(asked) ? asked.then(refuse, (error: unknown) => unreadable(error, log, recipient)) : refuse(asked)
    },
  }
}

function arrivalDenied(judge: Judge, stanza: Stanza, recipient: Jid, from: Jid): Asked {
  const traffic = incomingTraffic(stanza)
  // Requests to the account are answered for it; the rest is for its resources.
  return stanza.kind !== 'iq' && recipient.isBare ? judge.forResources(recipient, traffic, from) : judge.forAccount(recipient, traffic, from)
}

/** @throws StanzaError service-unavailable, as if nobody was there, where an answer is due */
function refuseArrival(stanza: Stanza): Verdict {
  // An error in answer to one occupant's words would end the user's stay in the whole room (XEP-0045 §7.14).
  const isAnswered = stanza.kind === 'iq' ? stanza.isRequest : stanza.kind === 'message' && stanza.type !== 'groupchat'
  if (!isAnswered) return 'handled'
  throw new StanzaError('service-unavailable')
}

/**
 * @param orPass what happens when the lists cannot be read. A message that is being delivered passes: it was let in when it came, and
 *   would be lost here.
 * @throws PacketRejected when it is denied; at once, or by the promise
 */
function rejecting(asked: Asked, refusal: (denial: Denial) => PacketRejected, log: Logger, session: Session, orPass = false): MaybePromise<void> {
  const decide = (denial: Denial | undefined): void => {
    if (denial) throw refusal(denial)
  }
  if (!isPromise(asked)) return decide(asked)
  return asked.then(decide, (error: unknown) => {
    log.error({ jid: session.jid.toString(), error, passed: orPass }, 'privacy lists could not be asked')
    if (!orPass) throw new PacketRejected({ condition: 'internal-server-error', type: 'wait' })
  })
}

function refusalOfSent({ item, isDefault }: Denial): PacketRejected {
  const isBlocked = isDefault && isBlock(item)
  return new PacketRejected({
    condition: 'not-acceptable',
    type: 'cancel',
    ...(isBlocked && { extension: element('blocked', { xmlns: NS.blockingErrors }) }),
  })
}

function refusalOfDelivered(): PacketRejected {
  return new PacketRejected({ condition: 'service-unavailable', silent: true })
}

function unreadable(error: unknown, log: Logger, recipient: Jid): never {
  if (error instanceof StanzaError) throw error
  log.error({ jid: recipient.toString(), error }, 'privacy lists could not be asked: a stanza is refused')
  throw new StanzaError('internal-server-error', { type: 'wait' })
}
