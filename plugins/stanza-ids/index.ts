/** Unique and stable stanza ids (XEP-0359): every message that an account takes has one, and nobody else can put it there. */
import { definePlugin, NS, offerStanzaIds } from '@beaconfire/plugin-sdk'
import { forgedIds } from './forged-ids.js'
import { stampIds } from './stamp-ids.js'

export default definePlugin({
  name: 'stanza-ids',
  version: '0.1.0',
  description: 'Unique and stable stanza ids (XEP-0359)',
  provides: ['stanza-ids'],

  setup({ domain }) {
    return {
      features: [NS.stanzaIds],
      discovery: {
        info: ({ target, node, isEntitled }) => (target === 'account' && node === undefined && isEntitled ? { features: [NS.stanzaIds] } : undefined),
      },
      interceptors: [forgedIds(domain), ...stampIds()],
      services: { 'stanza-ids': { offer: offerStanzaIds } },
    }
  },
})
