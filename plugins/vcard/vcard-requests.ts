/** Getting and setting vCards (XEP-0054 §3): anyone may read, the owner alone writes. */
import { type Element, type IqHandler, type IqRequest, type Jid, NS, parseElement, StanzaError } from '@beaconfire/plugin-sdk'
import type { VcardConfig } from './config.js'
import type { VcardStore } from './vcard-store.js'

export interface VcardRequestCollaborators {
  readonly store: VcardStore
  readonly config: Pick<VcardConfig, 'maxBytes'>
  /** Told when the vCard of an account was stored. */
  changed(account: Jid): Promise<void>
}

export function vcardRequests({ store, config, changed }: VcardRequestCollaborators): IqHandler[] {
  async function read({ account, target }: IqRequest): Promise<Element | undefined> {
    const vcard = account && (await store.find(account.local))
    if (vcard !== undefined) return parseElement(vcard)
    // Who asks for another's must not learn whether there is such an account (§3.3).
    throw new StanzaError(target === 'own-account' ? 'item-not-found' : 'service-unavailable')
  }

  async function write({ account, payload }: IqRequest): Promise<void> {
    if (!account) throw new StanzaError('service-unavailable')
    const vcard = payload.toString()
    if (Buffer.byteLength(vcard) > config.maxBytes) {
      throw new StanzaError('policy-violation', { text: `A vCard has at most ${config.maxBytes} bytes.` })
    }
    await store.save(account.local, vcard)
    await changed(account)
  }

  const common = { namespace: NS.vcard, element: 'vCard' } as const
  return [
    { ...common, type: 'get', targets: ['own-account', 'other-account'], handle: read },
    { ...common, type: 'set', targets: ['own-account'], handle: write },
  ]
}
