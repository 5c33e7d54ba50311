/** Message archive management (XEP-0313): each account has an archive of its own, which all of its clients can read. */
import { type DiscoveryQuery, definePlugin, NS, type PacketInterceptor } from '@beaconfire/plugin-sdk'
import { Archive } from './archive.js'
import { ArchiveIds } from './archive-ids.js'
import { archiveQueries } from './archive-queries.js'
import { ArchiveStore } from './archive-store.js'
import { tables } from './archive-tables.js'
import { config } from './config.js'
import { othersArchives } from './others-archives.js'
import { PreferenceCache } from './preference-cache.js'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** §7: told to the owner of the archive. The third says that `include-groupchat` is understood, not that rooms are archived. */
const FEATURES = [NS.mam, `${NS.mam}#extended`, `${NS.mam}#groupchat-field`]

export default definePlugin({
  name: 'mam',
  version: '0.1.0',
  description: 'Message archive management (XEP-0313)',
  requires: ['roster', 'stanza-ids'],
  config,
  tables,

  setup({ config, database, domain, log, metrics, services, timers }) {
    const store = new ArchiveStore(database)
    const preferences = new PreferenceCache(store, config.default)
    let archiveIds: ArchiveIds | undefined
    const ids = () => {
      if (!archiveIds) throw new Error('the archive has not started')
      return archiveIds
    }
    const archive = new Archive({ store, preferences, roster: services.roster, ids, log, metrics })
    const offer: PacketInterceptor = {
      name: 'archive',
      band: 'transform',
      when: { stanza: 'message', type: ['chat', 'normal', 'headline'], incoming: true, processed: false },
      readOnly: true,
      interceptPacket: ({ routed }) => services['stanza-ids'].offer(routed, archive),
    }
    metrics.gauge('pending_rows', 'Messages on their way to the disk', () => store.pending)

    async function removeOld(): Promise<void> {
      const messages = await store.removeBefore(Date.now() - config.retentionDays * DAY_MS)
      if (messages > 0) log.info({ messages, retentionDays: config.retentionDays }, 'old messages deleted from archives')
    }

    return {
      interceptors: [othersArchives(domain), offer],
      iqHandlers: archiveQueries({ store, preferences, config, ids }),
      discovery: { info: (query) => (isOwner(query) ? { features: FEATURES } : undefined) },
      hooks: {
        async userDeleted({ user }) {
          preferences.forget(user.local)
          await store.removeUser(user.local)
        },
      },
      async start() {
        archiveIds = new ArchiveIds(await store.idKey())
        if (config.retentionDays > 0) timers.every(HOUR_MS, removeOld)
      },
      stop: () => store.whenIdle(),
    }
  },
})

function isOwner({ target, node, entity, asker }: DiscoveryQuery): boolean {
  return target === 'account' && node === undefined && asker.bare().equals(entity)
}
