/** vCards (XEP-0054) and the avatars in them (XEP-0153). */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { foreignVcards } from './foreign-vcards.js'
import { PhotoHashes } from './photo-hashes.js'
import { ShownPhoto } from './shown-photo.js'
import { vcardRequests } from './vcard-requests.js'
import { tables, VcardStore } from './vcard-store.js'
import { Vcards } from './vcards.js'

export default definePlugin({
  name: 'vcard',
  version: '0.1.0',
  description: 'vCards (XEP-0054) and the avatars in them (XEP-0153)',
  requires: ['presence'],
  provides: ['vcards'],
  config,
  tables,

  setup({ config, database, domain, log, services, sessions }) {
    const store = new VcardStore(database)
    const hashes = new PhotoHashes(store, log)
    const shown = new ShownPhoto({ hashes, sessions, presence: services.presence })
    const vcards = new Vcards({
      store,
      maxBytes: config.maxBytes,
      log,
      async stored(user) {
        if (config.avatarHash) await shown.changed(user)
      },
    })

    return {
      start: () => store.start(),
      features: [NS.vcard],
      interceptors: config.avatarHash ? [foreignVcards(domain), shown.interceptor()] : [foreignVcards(domain)],
      iqHandlers: vcardRequests(store, vcards),
      services: { vcards },
      hooks: {
        sessionClosed({ session: { jid } }) {
          if (sessions.ofUser(jid).length === 0) hashes.forget(jid.local)
        },
        async userDeleted({ user }) {
          await store.remove(user.local)
          hashes.forget(user.local)
        },
      },
    }
  },
})
