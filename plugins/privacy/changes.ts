/** Changes of an account's lists, with all that follows: presence shown and hidden, resources told. */
import type { ClientSession, Jid, Sessions } from '@beaconfire/plugin-sdk'
import { type AccountLists, defaultList } from './account-lists.js'
import type { KnownLists } from './known-lists.js'
import type { PresenceEffects } from './presence-effects.js'
import type { Pushes } from './pushes.js'
import type { SessionPrivacy } from './session-privacy.js'

export interface ChangeCollaborators {
  readonly known: KnownLists
  readonly state: SessionPrivacy
  readonly sessions: Sessions
  readonly effects: PresenceEffects
  readonly pushes: Pushes
}

export interface Changed {
  readonly before: AccountLists
  readonly after: AccountLists
}

export class Changes {
  readonly #server: ChangeCollaborators

  constructor(server: ChangeCollaborators) {
    this.#server = server
  }

  /**
   * Stores what `edit` makes of the lists, then applies it.
   * @param showContacts whether the user's own view of contacts changes with it; see {@link PresenceEffects.apply}
   * @throws what `edit` throws
   */
  async change(user: Jid, edit: (lists: AccountLists) => AccountLists, showContacts: boolean): Promise<Changed> {
    const changed = await this.#server.known.change(user.local, edit)
    const { before, after } = changed
    if (before === after) return changed
    for (const session of this.#server.sessions.ofUser(user)) {
      const { state, effects } = this.#server
      await effects.apply(session, { before: state.effective(session, before), after: state.effective(session, after) }, showContacts)
    }
    return changed
  }

  /** Another list, or none, holds for one session from now on. */
  async activate(session: ClientSession, name: string | undefined, lists: AccountLists): Promise<void> {
    const { state, effects } = this.#server
    const before = state.effective(session, lists)
    state.setActive(session, name)
    await effects.apply(session, { before, after: state.effective(session, lists) }, true)
  }

  /** Tells those who asked for the block list what a change of privacy lists did to it. */
  pushBlocks(user: Jid, { before, after }: Changed): void {
    const was = defaultList(before)?.blocked() ?? []
    const is = defaultList(after)?.blocked() ?? []
    const added = is.filter((jid) => !was.some((it) => it.equals(jid)))
    const removed = was.filter((jid) => !is.some((it) => it.equals(jid)))
    if (added.length > 0) this.#server.pushes.blocked(user, added)
    if (removed.length > 0) this.#server.pushes.unblocked(user, removed)
  }
}
