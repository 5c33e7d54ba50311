/** Bookmarks of old clients (XEP-0049) and new ones (XEP-0402) are the same ones. */
import {
  type ClientSession,
  childElements,
  definePlugin,
  isClientSession,
  type MaybePromise,
  NS,
  type Stanza,
  TwoGenerationMap,
} from '@beaconfire/plugin-sdk'
import { UnifiedBookmarks } from './unified-bookmarks.js'

/** Accounts of one generation whose old bookmarks were looked for. */
const GENERATION_LIMIT = 10_000
/** What bringing over may take, in ms: each bookmark is published. */
const BUDGET_MS = 20_000

export default definePlugin({
  name: 'bookmarks',
  version: '0.1.0',
  description: 'Bookmarks in private storage and in nodes of the account, kept the same (XEP-0402)',
  requires: ['pep', 'privateData'],

  setup({ log, services: { pep, privateData } }) {
    const bookmarks = new UnifiedBookmarks({ pep, privateData, log })
    const looked = new TwoGenerationMap<true>(GENERATION_LIMIT)
    const undo: (() => void)[] = []

    async function bringOver({ jid }: ClientSession): Promise<void> {
      await bookmarks.bringOver(jid.bare())
      looked.set(jid.local, true)
    }

    return {
      discovery: {
        info: ({ target, node }) => (target === 'account' && node === undefined ? { features: [`${NS.bookmarks}#compat`] } : undefined),
      },
      interceptors: [
        {
          name: 'first-use',
          band: 'observe',
          budget: BUDGET_MS,
          when: { stanza: 'iq', type: ['get', 'set'], incoming: true, processed: false },
          // Before the node is looked at or made for the first time, what an old client stored is put into it.
          interceptPacket({ packet, session }): MaybePromise<void> {
            if (
              packet.hasChild('pubsub', NS.pubsub) &&
              isClientSession(session) &&
              !looked.get(session.jid.local) &&
              isForOwnBookmarks(packet, session)
            ) {
              return bringOver(session)
            }
          },
        },
      ],
      start() {
        undo.push(privateData.provide(bookmarks))
      },
      stop() {
        for (const it of undo.splice(0)) it()
      },
    }
  },
})

function isForOwnBookmarks(packet: Stanza, session: ClientSession): boolean {
  if (packet.to && !packet.to.equals(session.jid.bare())) return false
  const pubsub = packet.child('pubsub', NS.pubsub)
  return pubsub !== undefined && childElements(pubsub).some((it) => it.attrs.node === NS.bookmarks)
}
