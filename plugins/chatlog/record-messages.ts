/** The interceptors that fill the log: they look at messages that were handed over, and change nothing. */
import {
  type Crossing,
  type Jid,
  type Logger,
  type MaybePromise,
  type Message,
  type Metrics,
  NS,
  type PacketInterceptor,
} from '@beaconfire/plugin-sdk'
import type { ChatLogStore } from './chat-log-store.js'
import type { ChatLogRow } from './chat-log-tables.js'
import type { ChatLogConfig } from './config.js'
import { conversationColumn, jidColumn } from './jid-column.js'
import { RecentKeys } from './recent-keys.js'

/** In ms. Waiting for a database that is behind is the back pressure that is wanted, and no fault of this interceptor. */
const BUDGET_MS = 60_000
const HANDED_OVER = 1
/** Notes that a stanza is logged: every further resource that gets it is passed over. */
const LOGGED = Symbol('logged')

export interface RecorderCollaborators {
  readonly store: ChatLogStore
  readonly config: Pick<ChatLogConfig, 'groupchat' | 'obeyHints' | 'onError'>
  readonly domain: Jid
  readonly log: Logger
  readonly metrics: Metrics
}

export function recordMessages(collaborators: RecorderCollaborators): PacketInterceptor[] {
  const recorder = new Recorder(collaborators)
  const common = { band: 'observe', budget: BUDGET_MS } as const
  const oneToOne: PacketInterceptor = {
    ...common,
    name: 'one-to-one',
    when: { stanza: 'message', type: ['chat', 'normal'], incoming: false, processed: true },
    interceptPacket: (crossing) => recorder.handedOver(crossing),
  }
  const toRooms: PacketInterceptor = {
    ...common,
    name: 'groupchat',
    when: { stanza: 'message', type: 'groupchat', incoming: true, processed: true },
    interceptPacket: (crossing) => recorder.sentToRoom(crossing),
  }
  return collaborators.config.groupchat ? [oneToOne, toRooms] : [oneToOne]
}

class Recorder {
  readonly #store: ChatLogStore
  readonly #isClosed: boolean
  readonly #obeysHints: boolean
  readonly #domain: string
  readonly #log: Logger
  readonly #logged
  readonly #failed
  readonly #kept = new RecentKeys()
  #lastStored: Promise<void> | undefined
  #lastHeld: Promise<void> = Promise.resolve()

  constructor({ store, config, domain, log, metrics }: RecorderCollaborators) {
    this.#store = store
    this.#isClosed = config.onError === 'closed'
    this.#obeysHints = config.obeyHints
    this.#domain = domain.toString()
    this.#log = log
    this.#logged = metrics.counter('messages_total', 'Messages given to the log')
    this.#failed = metrics.counter('write_failures_total', 'Messages that could not be logged')
    metrics.gauge('pending_rows', 'Messages on their way to the disk', () => store.pending)
  }

  /** A message of two people, in the hands of the recipient's session. */
  handedOver(crossing: Crossing): MaybePromise<void> {
    const { packet, session, routed } = crossing
    if (packet.kind !== 'message' || routed[LOGGED]) return
    const { from, body } = packet
    const receiver = session.kind === 'client' ? session.jid : packet.to
    if (!body || !from || !receiver || from.local === '' || receiver.local === '') return
    if (isCarbon(packet, from, receiver) || (this.#obeysHints && isOffTheRecord(packet))) return
    routed[LOGGED] = true
    const sentAt = packet.hasChild('delay', NS.delay) ? this.#keptSince(packet) : undefined
    // Kept messages are handed over again when the client was lost before it had them.
    if (sentAt !== undefined && packet.id !== undefined && !this.#kept.add(`${from} ${receiver.bare()} ${sentAt} ${packet.id}`)) return
    const [senderColumn, receiverColumn] = [jidColumn(from), jidColumn(receiver)]
    return this.#write(crossing, {
      sessionJID: receiver.toString(),
      sender: senderColumn,
      receiver: receiverColumn,
      createDate: sentAt ?? Date.now(),
      content: body,
      type: packet.type,
      conversation: conversationColumn(senderColumn, receiverColumn),
    })
  }

  /** A message to a room, after the room had it: once, however many occupants there are, and by its sender's real name. */
  sentToRoom(crossing: Crossing): MaybePromise<void> {
    const { packet, session } = crossing
    if (packet.kind !== 'message' || session.kind !== 'client') return
    const { to, body } = packet
    if (!body || !to || to.local === '' || to.resource !== '') return
    if (this.#obeysHints && isOffTheRecord(packet)) return
    const room = jidColumn(to)
    return this.#write(crossing, {
      sessionJID: session.jid.toString(),
      sender: jidColumn(session.jid),
      receiver: room,
      createDate: Date.now(),
      content: body,
      type: packet.type,
      conversation: conversationColumn(room),
    })
  }

  /** The sender's acknowledgement waits for the row (design §5); its next stanza waits too while the disk is behind. */
  #write(crossing: Crossing, row: Omit<ChatLogRow, 'messageID' | 'detail' | 'length' | 'state'>): MaybePromise<void> {
    const whole = row as Omit<ChatLogRow, 'messageID'>
    whole.length = row.content.length
    whole.detail = crossing.packet.toString()
    whole.state = HANDED_OVER
    crossing.hold(this.#held(this.#store.append(whole, this.#refused)))
    this.#logged.increment()
    if (this.#store.isSaturated) return this.#store.whenIdle()
  }

  /** What the sender waits for. Where the log may fail, a failure ends the waiting all the same; the rows of a transaction share it. */
  #held(stored: Promise<void>): Promise<void> {
    if (this.#isClosed) return stored
    if (stored !== this.#lastStored) {
      this.#lastStored = stored
      this.#lastHeld = stored.catch(() => {}) // each row that is lost has been reported
    }
    return this.#lastHeld
  }

  readonly #refused = (error: unknown, { sender, receiver }: Pick<ChatLogRow, 'sender' | 'receiver'>): void => {
    this.#failed.increment()
    this.#log.error({ sender, receiver, error }, 'a message could not be logged')
  }

  /** When this server took a message that it kept; undefined for a stamp of somebody else. */
  #keptSince(packet: Message): number | undefined {
    const stamp = packet.childElements().find((it) => it.is('delay', NS.delay) && it.attrs.from === this.#domain)?.attrs.stamp
    const at = Date.parse(String(stamp))
    return Number.isNaN(at) || at > Date.now() ? undefined : at
  }
}

/**
 * A carbon comes from the bare JID of its own recipient (XEP-0280 §6). No client can send that, since the server stamps
 * full JIDs: nobody keeps a message out of the log by dressing it as a carbon.
 */
function isCarbon(packet: Message, from: Jid, receiver: Jid): boolean {
  if (from.resource !== '' || !from.equals(receiver.bare())) return false
  return packet.hasChild('received', NS.carbons) || packet.hasChild('sent', NS.carbons)
}

/** Its sender wants no permanent record (XEP-0334 §4.1, §4.2). */
function isOffTheRecord(packet: Message): boolean {
  return packet.hasChild('no-store', NS.hints) || packet.hasChild('no-permanent-store', NS.hints)
}
