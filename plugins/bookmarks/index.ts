/** Bookmarks of old clients (XEP-0049) and new ones (XEP-0402) are the same ones. */
import { definePlugin, NS, TwoGenerationMap } from '@beaconfire/plugin-sdk'
import { UnifiedBookmarks } from './unified-bookmarks.js'

/** Accounts of one generation whose old bookmarks were looked for. */
const GENERATION_LIMIT = 10_000

export default definePlugin({
  name: 'bookmarks',
  version: '0.1.0',
  description: 'Bookmarks in private storage and in nodes of the account, kept the same (XEP-0402)',
  requires: ['pep', 'privateData'],

  setup({ log, services: { pep, privateData } }) {
    const bookmarks = new UnifiedBookmarks({ pep, privateData, log })
    const looked = new TwoGenerationMap<true>(GENERATION_LIMIT)
    const undo: (() => void)[] = []
    return {
      discovery: {
        info: ({ target, node }) => (target === 'account' && node === undefined ? { features: [`${NS.bookmarks}#compat`] } : undefined),
      },
      hooks: {
        async sessionOpened({ session: { jid } }) {
          if (looked.get(jid.local)) return
          await bookmarks.bringOver(jid.bare())
          looked.set(jid.local, true)
        },
      },
      start() {
        undo.push(privateData.provide(bookmarks))
      },
      stop() {
        for (const it of undo.splice(0)) it()
      },
    }
  },
})
