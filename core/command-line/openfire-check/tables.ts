/** The tables of an Openfire installation (openfire.md §3), and what becomes of each. */
import type { Knex } from 'knex'
import type { TableReport, TableUse } from './report.js'

const SERVED = [
  'ofUser',
  'ofUserScram',
  'ofUserFlag',
  'ofUserProp',
  'ofRoster',
  'ofRosterGroups',
  'ofGroup',
  'ofGroupProp',
  'ofGroupUser',
  'ofVCard',
  'ofPrivate',
  'ofPrivacyList',
  'ofOffline',
  'ofPresence',
  'ofID',
  'ofVersion',
  'ofProperty',
  'ofSecurityAuditLog',
  'ofPubsubNode',
  'ofPubsubNodeJIDs',
  'ofPubsubNodeGroups',
  'ofPubsubAffiliation',
  'ofPubsubItem',
  'ofPubsubSubscription',
  'ofPubsubDefaultConf',
]
const READ = ['ofMessageArchive', 'ofConversation', 'ofConParticipant']
const KEPT = [
  'ofMucService',
  'ofMucServiceProp',
  'ofMucRoom',
  'ofMucRoomProp',
  'ofMucRoomRetiree',
  'ofMucAffiliation',
  'ofMucMember',
  'ofMucConversationLog',
  'ofExtComponentConf',
  'ofRemoteServerConf',
  'ofSASLAuthorized',
  'ofRRDs',
]
/** Made by this server: a second start on the database finds them. */
const OWN = ['ofUserScramExtra', 'ofRosterExtra', 'ofChatLog', 'ofDeliveryJournal', 'ofMamArchive', 'ofMamKey', 'ofMamPreference', 'ofPubsubNodeProp']

const USES = new Map<string, TableUse>([
  ...SERVED.map((it) => [it, 'served'] as const),
  ...READ.map((it) => [it, 'read'] as const),
  ...KEPT.map((it) => [it, 'kept'] as const),
  ...OWN.map((it) => [it, 'own'] as const),
])

/** Without these nothing works. */
export const NEEDED = ['ofUser', 'ofProperty', 'ofID', 'ofRoster', 'ofRosterGroups', 'ofOffline', 'ofVCard']

/** Each under the name it is known by, however the server spells it. */
export async function listTables(trx: Knex): Promise<TableReport[]> {
  const nameOf = (await tellsCase(trx)) ? (name: string) => name : knownName
  const rows: { name: string; collation: string | null }[] = await trx('information_schema.tables')
    .whereRaw('table_schema = database()')
    .where('table_type', 'BASE TABLE')
    .orderBy('table_name')
    .select('table_name as name', 'table_collation as collation')
  const tables: TableReport[] = []
  for (const { name: spelled, collation } of rows) {
    const [counted] = await trx(spelled).count({ rows: '*' })
    const count = Number((counted as { rows?: number | string } | undefined)?.rows ?? 0)
    const name = nameOf(spelled)
    tables.push({ name, rows: count, use: USES.get(name) ?? 'unknown', charset: collation?.split('_')[0] })
  }
  return tables
}

/** False where `ofUser` and `ofuser` are one table: the server keeps names in lower case, or compares them so. */
async function tellsCase(trx: Knex): Promise<boolean> {
  const [[{ folding }]] = (await trx.raw('select @@lower_case_table_names as folding')) as [[{ folding: number }]]
  return Number(folding) === 0
}

const KNOWN_NAMES = new Map([...USES.keys()].map((it) => [it.toLowerCase(), it]))

function knownName(spelled: string): string {
  return KNOWN_NAMES.get(spelled.toLowerCase()) ?? spelled
}
