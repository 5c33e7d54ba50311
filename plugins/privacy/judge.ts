/** Decides about a stanza by the lists of one account: which list holds, what kind of traffic it is, and whom it is from or for. */
import {
  type ClientSession,
  type Jid,
  type MaybePromise,
  NS,
  type RosterItem,
  type RosterService,
  type Sessions,
  type Stanza,
  whenDone,
} from '@beaconfire/plugin-sdk'
import { type AccountLists, defaultList } from './account-lists.js'
import type { KnownLists } from './known-lists.js'
import type { PrivacyItem, PrivacyList, Traffic } from './privacy-list.js'
import type { SessionPrivacy } from './session-privacy.js'

export interface JudgeCollaborators {
  readonly domain: Jid
  readonly known: KnownLists
  readonly state: SessionPrivacy
  readonly sessions: Sessions
  readonly roster: RosterService
}

/** A rule that denies, with the list it is in. */
export interface Denial {
  readonly item: PrivacyItem
  readonly list: PrivacyList
  readonly isDefault: boolean
}

type Verdict = MaybePromise<Denial | undefined>

export class Judge {
  readonly #server: JudgeCollaborators

  constructor(server: JudgeCollaborators) {
    this.#server = server
  }

  /** False for what no list is ever asked about: accounts without lists, the server itself, the user's own account. */
  isConcerned(user: Jid, peer: Jid): boolean {
    const { domain, known } = this.#server
    if (user.domain !== domain.domain || user.local === '' || !known.has(user.local)) return false
    if (peer.domain !== domain.domain) return true
    return peer.local !== '' && peer.local !== user.local
  }

  /** By the list that holds for this session. */
  forSession(session: ClientSession, traffic: Traffic, peer: Jid): Verdict {
    return this.#withLists(session.jid, (lists) => this.#ask(this.#server.state.effective(session, lists), lists, session.jid, traffic, peer))
  }

  /** For what the account itself does or gets: by the default list. For a full JID, by the list of its session where there is one. */
  forAccount(user: Jid, traffic: Traffic, peer: Jid): Verdict {
    const session = user.isFull ? this.#server.sessions.get(user) : undefined
    if (session) return this.forSession(session, traffic, peer)
    return this.#withLists(user, (lists) => this.#ask(defaultList(lists), lists, user, traffic, peer))
  }

  /** For what any available resource may get: denied when all of them deny it, or, where there is none, the default list does. */
  forResources(user: Jid, traffic: Traffic, peer: Jid): Verdict {
    const { sessions, state } = this.#server
    const resources = sessions.ofUser(user).filter((it) => it.isAvailable && it.priority >= 0)
    if (resources.length === 0) return this.forAccount(user.bare(), traffic, peer)
    return this.#withLists(user, (lists) => {
      const holding = new Set(resources.map((it) => state.effective(it, lists)))
      return this.#allDeny([...holding], lists, user, traffic, peer)
    })
  }

  /** @returns the denial of the last, when each of the lists denies it */
  #allDeny(holding: readonly (PrivacyList | undefined)[], lists: AccountLists, user: Jid, traffic: Traffic, peer: Jid): Verdict {
    const [list, ...others] = holding
    return whenDone(this.#ask(list, lists, user, traffic, peer), (denial) =>
      denial && others.length > 0 ? this.#allDeny(others, lists, user, traffic, peer) : denial,
    )
  }

  #withLists(user: Jid, then: (lists: AccountLists) => Verdict): Verdict {
    return whenDone(this.#server.known.of(user.local), then)
  }

  #ask(list: PrivacyList | undefined, lists: AccountLists, user: Jid, traffic: Traffic, peer: Jid): Verdict {
    if (!list) return undefined
    const decide = (contact: RosterItem | undefined): Denial | undefined => {
      const item = list.deniedBy(traffic, peer, contact)
      return item && { item, list, isDefault: list.name === lists.defaultName }
    }
    return list.needsRoster ? whenDone(this.#server.roster.item(user, peer), decide) : decide(undefined)
  }
}

/** What a stanza is to the user who gets it. */
export function incomingTraffic(stanza: Stanza): Traffic {
  return stanza.kind === 'presence' ? (isNotification(stanza.type) ? 'presence-in' : 'other') : stanza.kind
}

/** What a stanza is to the user who sends it. Events of personal eventing are like presence (XEP-0016 §2.1). */
export function outgoingTraffic(stanza: Stanza): Traffic {
  if (stanza.kind === 'presence') return isNotification(stanza.type) ? 'presence-out' : 'other'
  return stanza.kind === 'message' && stanza.hasChild('event', NS.pubsubEvent) ? 'presence-out' : 'other'
}

/** §2: subscriptions and probes are no presence notifications. */
function isNotification(type: string): boolean {
  return type === 'available' || type === 'unavailable'
}
