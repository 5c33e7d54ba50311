/** Files messages, at both ends: whoever gives a message its id in an account has put it into the account's archive. */
import {
  type Holder,
  isPromise,
  type Jid,
  type Logger,
  type MaybePromise,
  type Message,
  type Metrics,
  type RosterService,
  type StanzaIdGiver,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { ArchiveIds } from './archive-ids.js'
import type { ArchiveStore } from './archive-store.js'
import type { ArchiveRow } from './archive-tables.js'
import { isArchivable } from './is-archivable.js'
import type { PreferenceCache } from './preference-cache.js'
import { type Preferences, wants } from './preferences.js'

export interface ArchiveCollaborators {
  readonly store: ArchiveStore
  readonly preferences: PreferenceCache
  readonly roster: RosterService
  /** Known once the plugin has started. */
  ids(): ArchiveIds
  readonly log: Logger
  readonly metrics: Metrics
}

export class Archive implements StanzaIdGiver {
  readonly #with: ArchiveCollaborators
  readonly #filed
  readonly #failed

  constructor(collaborators: ArchiveCollaborators) {
    this.#with = collaborators
    this.#filed = collaborators.metrics.counter('messages_total', 'Messages given to archives, one for each account')
    this.#failed = collaborators.metrics.counter('write_failures_total', 'Messages that could not be archived')
  }

  idFor(message: Message, account: Jid, holder: Holder): MaybePromise<string | undefined> {
    const { from } = message
    if (!from || !isArchivable(message)) return undefined
    const contact = from.bare().equals(account) ? (message.to ?? account) : from
    const preferences = this.#with.preferences.of(account.local)
    const id = whenDone(preferences, (loaded) => this.#fileIfWanted(loaded, message, account, contact, holder))
    if (!isPromise(id)) return id
    holder.hold(id) // a failure is told to the sender, as with a row that cannot be written
    return id.catch((error: unknown) => {
      this.#failed.increment()
      this.#with.log.error({ username: account.local, error }, 'a message could not be archived')
      return undefined
    })
  }

  #fileIfWanted(preferences: Preferences, message: Message, account: Jid, contact: Jid, holder: Holder): MaybePromise<string | undefined> {
    const wanted = wants(preferences, account, contact, this.#with.roster)
    return whenDone(wanted, (isWanted) => (isWanted ? this.#file(message, account, contact, holder) : undefined))
  }

  /** The sender's acknowledgement waits for the row (design §5); its next stanza waits too while the disk is behind. */
  #file(message: Message, account: Jid, contact: Jid, holder: Holder): MaybePromise<string | undefined> {
    const { store, ids } = this.#with
    const archiveID = store.append(account.local, contact, message.toString(), (stored) => holder.hold(stored), this.#refused)
    this.#filed.increment()
    return whenDone(archiveID, (it) => {
      const id = ids().text(it)
      return store.isSaturated ? store.whenIdle().then(() => id) : id
    })
  }

  readonly #refused = (error: unknown, { username, withJID }: ArchiveRow): void => {
    this.#failed.increment()
    this.#with.log.error({ username, contact: withJID, error }, 'a message could not be archived')
  }
}
