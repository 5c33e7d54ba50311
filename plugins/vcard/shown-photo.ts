/** Puts the photo's hash into presence on behalf of the client (XEP-0153 §4, by the rules of XEP-0398 §4). */
import {
  element,
  findChild,
  type Jid,
  NS,
  type PacketInterceptor,
  type Presence,
  type PresenceService,
  type Sessions,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { PhotoHash, PhotoHashes } from './photo-hashes.js'

export interface ShownPhotoCollaborators {
  readonly hashes: PhotoHashes
  readonly sessions: Sessions
  readonly presence: Pick<PresenceService, 'announce'>
}

export class ShownPhoto {
  readonly #server: ShownPhotoCollaborators
  /** Presences whose hash is the server's: an empty one among them is no wish of the client. */
  readonly #written = new WeakSet<Presence>()

  constructor(server: ShownPhotoCollaborators) {
    this.#server = server
  }

  /** Broadcast and directed presence alike: rooms show avatars too. */
  interceptor(): PacketInterceptor {
    return {
      name: 'photo-hash',
      band: 'transform',
      when: { stanza: 'presence', type: 'available', incoming: true, processed: false },
      interceptPacket: ({ packet, session }) => {
        if (packet.kind !== 'presence' || session.kind !== 'client') return
        return whenDone(this.#server.hashes.of(session.jid.local), (hash) => void this.#show(packet, hash, false))
      },
    }
  }

  /** The vCard of this account was stored: its resources show the photo that it has now. */
  async changed(account: Jid): Promise<void> {
    const { hashes, sessions, presence } = this.#server
    const hash = await hashes.refreshed(account.local)
    for (const session of sessions.ofUser(account)) {
      if (!session.presence) continue
      const shown = session.presence.clone()
      if (this.#show(shown, hash, this.#written.has(session.presence))) await presence.announce(session, shown)
    }
    if (sessions.ofUser(account).length === 0) hashes.forget(account.local)
  }

  /** @param isOurs what the presence says already was written here @returns true when the presence says something else now */
  #show(stanza: Presence, hash: PhotoHash, isOurs: boolean): boolean {
    if (hash === undefined) return false
    const update = stanza.hasChild('x', NS.vcardUpdate) ? stanza.child('x', NS.vcardUpdate) : undefined
    const said = update && findChild(update, 'photo')?.getText().trim().toLowerCase()
    // An empty photo is the client's word that it shows none (XEP-0398 §4).
    if (said === hash || (said === '' && !isOurs)) return false
    if (update) stanza.removeChildren('x', NS.vcardUpdate)
    stanza.addChild(element('x', { xmlns: NS.vcardUpdate }, element('photo', {}, hash || undefined)))
    this.#written.add(stanza)
    return true
  }
}
