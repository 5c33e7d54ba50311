/** Sessions of a recording: of all there were, a version sees the one that its stanza crosses at. What it asks of them is refused. */
import { type ClientSession, Jid, type Session, type Sessions } from '@beaconfire/plugin-sdk'
import { shadowSession } from '../../plugin-host/shadow-context.js'
import type { PassageCrossing } from './passage.js'

export class RecordedSessions implements Sessions {
  readonly #shadowOf: (session: Session) => Session
  #current: Session | undefined

  constructor(onDenied: (what: string) => void) {
    this.#shadowOf = shadowSession(onDenied)
  }

  /** The session of this crossing is the one that is there from now on. */
  enter({ session }: PassageCrossing, at: number): Session {
    this.#current = this.#shadowOf(sessionOf(session, at))
    return this.#current
  }

  get(fullJid: Jid): ClientSession | undefined {
    return this.ofUser(fullJid).find((it) => it.jid.equals(fullJid))
  }
  ofUser(jid: Jid): readonly ClientSession[] {
    return [...this.all()].filter((it) => it.jid.bare().equals(jid.bare()))
  }
  all(): IterableIterator<ClientSession> {
    return (this.#current?.kind === 'client' ? [this.#current as ClientSession] : []).values()
  }
  get count(): number {
    return [...this.all()].length
  }
}

function sessionOf({ kind, id, jid, remoteAddress, secure }: PassageCrossing['session'], at: number): Session {
  const plain = { kind, id, jid: Jid.parse(jid), remoteAddress, secure }
  if (kind !== 'client') return plain
  const none = () => undefined
  const client: ClientSession = {
    ...plain,
    kind,
    connectedAt: new Date(at),
    mechanism: 'recorded',
    presence: undefined,
    isAvailable: true,
    priority: 0,
    isOpen: true,
    handedOver: 0,
    arrived: 0,
    acknowledges: false,
    gate: undefined,
    deliver: () => false,
    whenFlushed: async () => undefined,
    setPresence: none,
    release: none,
    close: none,
  }
  return client
}
