/** The vCards of accounts, for requests and for other plugins: stored, then shown in presence, then told. */
import {
  type Element,
  type Jid,
  type Logger,
  parseElement,
  StanzaError,
  type VcardListener,
  type VcardService,
  XmlError,
} from '@beaconfire/plugin-sdk'
import type { VcardStore } from './vcard-store.js'

export interface VcardCollaborators {
  readonly store: Pick<VcardStore, 'find' | 'save'>
  /** Bytes of XML. */
  readonly maxBytes: number
  readonly log: Logger
  /** Shows the photo of this account in its presence. */
  stored(user: Jid): Promise<void>
}

export class Vcards implements VcardService {
  readonly #server: VcardCollaborators
  readonly #listeners = new Set<VcardListener>()

  constructor(server: VcardCollaborators) {
    this.#server = server
  }

  async find(user: Jid): Promise<Element | undefined> {
    const vcard = await this.#server.store.find(user.local)
    if (vcard === undefined) return undefined
    try {
      return parseElement(vcard)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.#server.log.warn({ username: user.local, error }, 'a stored vCard cannot be read')
      return undefined
    }
  }

  async save(user: Jid, vcard: Element): Promise<void> {
    const { store, maxBytes } = this.#server
    const text = vcard.toString()
    if (Buffer.byteLength(text) > maxBytes) throw new StanzaError('policy-violation', { text: `A vCard has at most ${maxBytes} bytes.` })
    await store.save(user.local, text)
    await this.#server.stored(user)
  }

  /** The user itself stores it. @throws StanzaError policy-violation */
  async saveOwn(user: Jid, vcard: Element): Promise<void> {
    const before = this.#listeners.size > 0 ? await this.find(user) : undefined
    await this.save(user, vcard)
    for (const listener of [...this.#listeners]) {
      try {
        await listener({ user, vcard, before })
      } catch (error) {
        this.#server.log.error({ username: user.local, error }, 'a plugin failed to follow a change of a vCard')
      }
    }
  }

  onChange(listener: VcardListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
