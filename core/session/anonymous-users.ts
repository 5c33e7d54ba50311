/**
 * Users that logged in with SASL ANONYMOUS (XEP-0175): nobody's names, each for as long as its one session lasts. They talk to
 * users and services of this server, and leave nothing behind: no roster, no subscription, no stored data or message.
 */
import {
  type Accounts,
  type Hooks,
  type Iq,
  isClientSession,
  type Jid,
  type MaybePromise,
  NS,
  type PacketInterceptor,
  PacketRejected,
  type Stanza,
  StanzaError,
} from '@beaconfire/plugin-sdk'

/** What an anonymous user may set at the server or at itself: what ends with the session anyway. Everything else would be stored. */
const MAY_SET: ReadonlySet<string> = new Set([NS.session, NS.bind, NS.carbons])
/** What it may not even ask for: it has no account. */
const MAY_NOT_GET: ReadonlySet<string> = new Set([NS.register])
const SUBSCRIPTIONS: ReadonlySet<string> = new Set(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])

export class AnonymousUsers {
  readonly #domain: Jid
  readonly #names = new Set<string>()

  constructor(domain: Jid) {
    this.#domain = domain
  }

  /** Before the session is bound. */
  add(username: string): void {
    this.#names.add(username)
  }

  /** When everything the session caused is done. */
  remove(username: string): void {
    this.#names.delete(username)
  }

  /** The accounts with these users among them, for routing. */
  among(accounts: Pick<Accounts, 'exists'>): Pick<Accounts, 'exists'> {
    return { exists: (username): MaybePromise<boolean> => this.#names.has(username) || accounts.exists(username) }
  }

  /** Keeps them from what would outlast their session, and from other servers (XEP-0175 §2). */
  interceptor(): PacketInterceptor {
    return {
      name: 'anonymous-users',
      band: 'guard',
      when: { incoming: true, processed: false },
      readOnly: true,
      onError: 'closed',
      interceptPacket: ({ packet, session }) => {
        if (!this.#names.has(session.jid.local) || !isClientSession(session)) return
        const refusal = this.#refusal(packet, session.jid)
        if (refusal !== undefined) throw new PacketRejected({ condition: 'not-allowed', text: refusal })
      },
    }
  }

  /** Asked before any plugin's: what is sent to them is delivered now or not at all. */
  hooks(): Partial<Hooks> {
    return {
      messageUndelivered: ({ recipient }) => {
        if (this.#names.has(recipient.local)) throw new StanzaError('service-unavailable')
        return 'pass'
      },
      presenceReceived: ({ presence, recipient }) => (this.#names.has(recipient.local) && SUBSCRIPTIONS.has(presence.type) ? 'handled' : 'pass'),
    }
  }

  #refusal(packet: Stanza, own: Jid): string | undefined {
    const { to } = packet
    if (to && !this.#isLocal(to)) return 'Anonymous users reach this server alone.'
    if (packet.kind === 'presence') return SUBSCRIPTIONS.has(packet.type) ? 'Anonymous users have no contacts.' : undefined
    if (packet.kind !== 'iq' || !packet.isRequest) return undefined
    return isForServer(to, own) && isForbidden(packet) ? 'Anonymous users have no account.' : undefined
  }

  #isLocal({ domain }: Jid): boolean {
    return domain === this.#domain.domain || domain.endsWith(`.${this.#domain.domain}`)
  }
}

/** True for what the server answers: for itself, for the user's own address, or for another account. */
function isForServer(to: Jid | undefined, own: Jid): boolean {
  return !to || (to.domain === own.domain && to.resource === '')
}

function isForbidden(request: Iq): boolean {
  const namespace = request.payload?.getNS() ?? ''
  return request.type === 'set' ? !MAY_SET.has(namespace) : MAY_NOT_GET.has(namespace)
}
