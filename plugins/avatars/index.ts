/** User avatars between personal eventing (XEP-0084) and vCards (XEP-0153), both ways (XEP-0398). */
import { definePlugin, NS, Type } from '@beaconfire/plugin-sdk'
import { AvatarConversion } from './conversion.js'

export default definePlugin({
  name: 'avatars',
  version: '0.1.0',
  description: 'Avatars of personal eventing and vCards, kept the same (XEP-0398)',
  requires: ['pep', 'vcards'],
  config: Type.Object({
    openOnly: Type.Boolean({
      default: true,
      description: 'An avatar that not everybody may see stays out of the vCard, which everybody may read (XEP-0398 §8)',
    }),
  }),

  setup({ config, log, services: { pep, vcards } }) {
    const conversion = new AvatarConversion({ pep, vcards, log, openOnly: config.openOnly })
    const undo: (() => void)[] = []
    return {
      discovery: {
        info: ({ target, node }) => (target === 'account' && node === undefined ? { features: [NS.avatarConversion] } : undefined),
      },
      start() {
        undo.push(
          pep.onChange((change) => conversion.published(change)),
          vcards.onChange((change) => conversion.stored(change)),
        )
      },
      stop() {
        for (const it of undo.splice(0)) it()
      },
    }
  },
})
