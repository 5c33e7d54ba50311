/** Getting and setting vCards (XEP-0054 §3): anyone may read, the owner alone writes. */
import { type Element, type IqHandler, type IqRequest, NS, parseElement, StanzaError } from '@beaconfire/plugin-sdk'
import type { VcardStore } from './vcard-store.js'
import type { Vcards } from './vcards.js'

export function vcardRequests(store: Pick<VcardStore, 'find'>, vcards: Pick<Vcards, 'saveOwn'>): IqHandler[] {
  async function read({ account, target }: IqRequest): Promise<Element | undefined> {
    const vcard = account && (await store.find(account.local))
    if (vcard !== undefined) return parseElement(vcard)
    // Who asks for another's must not learn whether there is such an account (§3.3).
    throw new StanzaError(target === 'own-account' ? 'item-not-found' : 'service-unavailable')
  }

  async function write({ account, payload }: IqRequest): Promise<void> {
    if (!account) throw new StanzaError('service-unavailable')
    await vcards.saveOwn(account, payload)
  }

  const common = { namespace: NS.vcard, element: 'vCard' } as const
  return [
    { ...common, type: 'get', targets: ['own-account', 'other-account'], handle: read },
    { ...common, type: 'set', targets: ['own-account'], handle: write },
  ]
}
