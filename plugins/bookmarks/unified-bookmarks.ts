/** Bookmarks that old clients keep in private storage and new ones in nodes of the account are the same (XEP-0402 §5.3). */
import {
  type Element,
  type Jid,
  type Logger,
  NS,
  type PepItem,
  type PepService,
  type PrivateDataService,
  type PrivateDataSource,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import { isSameBookmark, itemsOf, STORAGE, storageOf } from './stored-bookmarks.js'

/** XEP-0402 §3.3: nobody else sees them, all are kept, none is sent at login. */
const OPTIONS = { persist_items: 'true', max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' }

export interface BookmarkCollaborators {
  readonly pep: PepService
  readonly privateData: PrivateDataService
  readonly log: Logger
}

export class UnifiedBookmarks implements PrivateDataSource {
  readonly name = 'storage'
  readonly namespace = STORAGE
  readonly #server: BookmarkCollaborators

  constructor(server: BookmarkCollaborators) {
    this.#server = server
  }

  async read(user: Jid, stored: Element | undefined): Promise<Element | undefined> {
    const { pep } = this.#server
    if ((await pep.accessModel(user, NS.bookmarks)) === undefined) return stored
    return storageOf(await pep.items(user, NS.bookmarks), stored)
  }

  async written(user: Jid, storage: Element): Promise<void> {
    const { pep } = this.#server
    const access = await pep.accessModel(user, NS.bookmarks)
    // XEP-0411 §5: what was private does not go where others may look.
    if (access !== undefined && access !== 'whitelist') return
    const known = await pep.items(user, NS.bookmarks)
    const wanted = itemsOf(storage, known)
    for (const item of wanted.values()) {
      if (!isSameBookmark(known.find((it) => it.id === item.id)?.payload, item.payload)) await this.#publish(user, item)
    }
    const gone = known.filter((it) => !wanted.has(it.id)).map((it) => it.id)
    if (gone.length > 0) await pep.retract(user, NS.bookmarks, gone)
  }

  /** Brings over what an old client stored before this plugin was there, or in Openfire. @returns once there is nothing to bring over any more */
  async bringOver(user: Jid): Promise<void> {
    const { pep, privateData } = this.#server
    if ((await pep.accessModel(user, NS.bookmarks)) !== undefined) return
    const stored = await privateData.find(user, this.name, this.namespace)
    if (stored) await this.written(user, stored)
  }

  /** What the limits of nodes refuse stays in private storage alone. */
  async #publish(user: Jid, item: PepItem): Promise<void> {
    try {
      await this.#server.pep.publish(user, NS.bookmarks, item, OPTIONS)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      this.#server.log.info({ username: user.local, condition: error.condition }, 'a bookmark could not be published')
    }
  }
}
