/** What privacy lists are to each session: which one is active in it, and what it wants to be told (XEP-0016 §2.2, XEP-0191 §3). */
import { type ClientSession, Jid, type Sessions } from '@beaconfire/plugin-sdk'
import { type AccountLists, defaultList } from './account-lists.js'
import type { PrivacyList } from './privacy-list.js'

interface State {
  /** Name of its active list. */
  active?: string | undefined
  /** It asked for the block list. */
  wantsBlocks?: boolean
  /** It speaks of privacy lists. */
  usesLists?: boolean
}

export class SessionPrivacy {
  readonly #states = new WeakMap<ClientSession, State>()
  readonly #sessions: Sessions

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  active(session: ClientSession): string | undefined {
    return this.#states.get(session)?.active
  }

  setActive(session: ClientSession, name: string | undefined): void {
    this.#state(session).active = name
  }

  noteBlockListAsked(session: ClientSession): void {
    this.#state(session).wantsBlocks = true
  }

  noteListsUsed(session: ClientSession): void {
    this.#state(session).usesLists = true
  }

  wantsBlocks(session: ClientSession): boolean {
    return this.#states.get(session)?.wantsBlocks ?? false
  }

  usesLists(session: ClientSession): boolean {
    return this.#states.get(session)?.usesLists ?? false
  }

  /** The list that holds for a session: its active one alone, else the default (XEP-0016 §2.2 rules 1 and 2). */
  effective(session: ClientSession, lists: AccountLists): PrivacyList | undefined {
    const name = this.active(session)
    return (name === undefined ? undefined : lists.lists.get(name)) ?? defaultList(lists)
  }

  /** True when a session of the user, other than this one, has the list active, or has none while it is the default. */
  isUsedByOthers(session: ClientSession, list: PrivacyList, lists: AccountLists): boolean {
    return this.#sessions.ofUser(session.jid).some((other) => other !== session && this.effective(other, lists) === list)
  }

  /** By full JID, for the next version of this plugin. */
  save(): Record<string, State> {
    const saved: Record<string, State> = {}
    for (const session of this.#sessions.all()) {
      const state = this.#states.get(session)
      if (state) saved[session.jid.toString()] = state
    }
    return saved
  }

  /** @param saved what the version before saved; what has another shape is ignored */
  restore(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) return
    for (const [fullJid, state] of Object.entries(saved as Record<string, unknown>)) {
      const jid = Jid.tryParse(fullJid)
      const session = jid && this.#sessions.get(jid)
      if (!session || typeof state !== 'object' || state === null) continue
      const { active, wantsBlocks, usesLists } = state as Record<string, unknown>
      this.#states.set(session, {
        active: typeof active === 'string' ? active : undefined,
        wantsBlocks: wantsBlocks === true,
        usesLists: usesLists === true,
      })
    }
  }

  #state(session: ClientSession): State {
    let state = this.#states.get(session)
    if (!state) {
      state = {}
      this.#states.set(session, state)
    }
    return state
  }
}
