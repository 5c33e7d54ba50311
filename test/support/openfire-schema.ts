/**
 * The tables of an Openfire installation, as the facts of its interface have them: V(n) is VARCHAR(n), T TEXT, MT MEDIUMTEXT, TI TINYINT,
 * I INTEGER, BI BIGINT, D CHAR(15), TS TIMESTAMP; `?` says that a column may be null. Behind the first semicolon stand the keys. What is in
 * braces is there from a schema version on, or up to one; where the facts do not say since when something is there, it always is.
 */
import type { Knex } from 'knex'

type Client = 'sqlite' | 'mysql'

/** In ofUser, whose keys schema 39 copies to a table of their own and 40 drops. */
const SCRAM_COLUMNS = 'storedKey V32?, serverKey V32?, salt V32?, iterations I?'
const LAST_WITH_SCRAM_COLUMNS = 39

const TABLES: Readonly<Record<string, string>> = {
  ofUser:
    'username V64, {scram} plainPassword V32?, encryptedPassword V255?, name V100?, email V100?, creationDate D, modificationDate D; PK username; IX ofUser_cDate_idx(creationDate)',
  ofUserProp: 'username V64, name V100, propValue T; PK username,name',
  ofUserFlag:
    'username V64, name V100, startTime D?, endTime D?; PK username,name; IX ofUserFlag_sTime_idx(startTime); IX ofUserFlag_eTime_idx(endTime)',
  ofOffline: 'username V64, messageID BI, creationDate D, messageSize I, stanza T; PK username,messageID',
  ofPresence: 'username V64, offlinePresence T?, offlineDate D; PK username',
  ofRoster:
    'rosterID BI, username V64, jid V1024, sub TI, ask TI, recv TI, {stanza} nick V255?; PK rosterID; IX ofRoster_username_idx(username); IX ofRoster_jid_idx(jid 255)',
  ofRosterGroups: 'rosterID BI, `rank` TI, groupName V255; PK rosterID,`rank`; IX ofRosterGroup_rosterid_idx(rosterID)',
  ofVCard: 'username V64, vcard MT; PK username',
  ofGroup: 'groupName V50, description V255?; PK groupName',
  ofGroupProp: 'groupName V50, name V100, propValue T; PK groupName,name',
  ofGroupUser: 'groupName V50, username V100, administrator TI; PK groupName,username,administrator',
  ofID: 'idType I, id BI; PK idType',
  ofProperty: 'name V100, propValue T, encrypted I?, iv C24?; PK name',
  ofVersion: 'name V50, version I; PK name',
  ofExtComponentConf: 'subdomain V255, wildcard TI, secret V255?, permission V10; PK subdomain',
  ofRemoteServerConf: 'xmppDomain V255, remotePort I?, permission V10; PK xmppDomain',
  ofPrivacyList: 'username V64, name V100, isDefault TI, list T; PK username,name; IX ofPrivacyList_default_idx(username,isDefault)',
  ofSecurityAuditLog:
    'msgID BI, username V64, entryStamp BI, summary V255, node V255, details T?; PK msgID; IX ofSecurityAuditLog_tstamp_idx(entryStamp); IX ofSecurityAuditLog_uid_idx(username)',
  ofPubsubNode:
    'serviceID V100, nodeID V100, leaf TI, creationDate D, modificationDate D, parent V100?, deliverPayloads TI, maxPayloadSize I?, persistItems TI?, maxItems I?, notifyConfigChanges TI, notifyDelete TI, notifyRetract TI, presenceBased TI, sendItemSubscribe TI, publisherModel V15, subscriptionEnabled TI, configSubscription TI, accessModel V10, payloadType V100?, bodyXSLT V100?, dataformXSLT V100?, creator V255, description V255?, language V255?, name V50?, replyPolicy V15?, associationPolicy V15?, maxLeafNodes I?; PK serviceID,nodeID',
  ofPubsubNodeJIDs: 'serviceID V100, nodeID V100, jid V255, associationType V20; PK serviceID,nodeID,jid 70',
  ofPubsubNodeGroups: 'serviceID V100, nodeID V100, rosterGroup V100; IX ofPubsubNodeGroups_idx(serviceID,nodeID)',
  ofPubsubAffiliation: 'serviceID V100, nodeID V100, jid V255, affiliation V10; PK serviceID,nodeID,jid 70',
  ofPubsubSubscription:
    'serviceID V100, nodeID V100, id V100, jid V255, owner V255, state V15, deliver TI, digest TI, digest_frequency I, expire D?, includeBody TI, showValues V30?, subscriptionType V10, subscriptionDepth TI, keyword V200?; PK serviceID,nodeID,id',
  ofPubsubDefaultConf:
    'serviceID V100, leaf TI, deliverPayloads TI, maxPayloadSize I, persistItems TI, maxItems I, notifyConfigChanges TI, notifyDelete TI, notifyRetract TI, presenceBased TI, sendItemSubscribe TI, publisherModel V15, subscriptionEnabled TI, accessModel V10, language V255?, replyPolicy V15?, associationPolicy V15, maxLeafNodes I; PK serviceID,leaf',
  ofPubsubItem: 'serviceID V100, nodeID V100, id V100, jid V255, creationDate D, payload MT?; PK serviceID,nodeID,id',
  ofMucService: 'serviceID BI, subdomain V255, description V255?, isHidden TI; PK subdomain; IX ofMucService_serviceid_idx(serviceID)',
  ofMucRoom:
    'serviceID BI, roomID BI, creationDate D, modificationDate D, name V50, naturalName V255, description V255?, lockedDate D, emptyDate D?, canChangeSubject TI, maxUsers I, publicRoom TI, moderated TI, membersOnly TI, canInvite TI, roomPassword V50?, canDiscoverJID TI, logEnabled TI, {retirees} {history} subject {subject}, rolesToBroadcast TI, useReservedNick TI, canChangeNick TI, canRegister TI, allowpm TI?, fmucEnabled TI?, fmucOutboundNode V255?, fmucOutboundMode TI?, fmucInboundNodes V4000?; PK serviceID,name; IX ofMucRoom_roomid_idx(roomID); IX ofMucRoom_serviceid_idx(serviceID)',
  ofMucServiceProp: 'serviceID BI, name V100, propValue T; PK serviceID,name',
  ofMucRoomProp: 'roomID BI, name V100, propValue T; PK roomID,name',
  ofMucAffiliation: 'roomID BI, jid T, affiliation TI; PK roomID,jid 70',
  ofMucMember: 'roomID BI, jid T, nickname V255?, firstName V100?, lastName V100?, url V100?, email V100?, faqentry V100?; PK roomID,jid 70',
  ofMucConversationLog:
    'roomID BI, messageID BI, sender T, nickname V255?, logTime D, subject V255?, body T?, stanza T?; IX ofMucConversationLog_roomtime_idx(roomID,logTime); IX ofMucConversationLog_time_idx(logTime); IX ofMucConversationLog_msg_id(messageID)',
}

/** Tables by the schema version that has them first. */
const LATER_TABLES: Readonly<Record<string, readonly [since: number, notation: string]>> = {
  ofMucRoomRetiree: [36, 'serviceID BI, name V50, alternateJID V2000?, reason V1024?, retiredAt TS; PK serviceID,name'],
  ofUserScram: [39, 'username V64, mechanism V32, storedKey V255?, serverKey V255?, salt V255?, iterations I; PK username,mechanism'],
}

/** Columns of rooms as of a schema version. */
function roomColumns(version: number) {
  return {
    history: version >= 35 ? 'preserveHistOnDel TI,' : '',
    retirees: version >= 36 ? 'retireOnDeletion TI,' : '',
    subject: version >= 38 ? 'T?' : 'V100?',
  }
}

const MONITORING: Readonly<Record<string, string>> = {
  ofConversation:
    'conversationID BI, roomID BI?, room V255?, isExternal TI, startDate BI, lastActivity BI, messageCount I; PK conversationID; IX ofConversation_ext_idx(isExternal); IX ofConversation_start_idx(startDate); IX ofConversation_last_idx(lastActivity); IX ofConversation_room_idx(roomID)',
  ofConParticipant:
    'conversationID BI, joinedDate BI, leftDate BI?, bareJID V200, jidResource V100, nickname V255?; IX ofConParticipant_conv_idx(conversationID,bareJID,jidResource,joinedDate); IX ofConParticipant_jid_idx(bareJID); IX ofConParticipant_nick_idx(conversationID,nickname)',
  ofMessageArchive:
    'messageID BI?, conversationID BI, fromJID V255, fromJIDResource V100?, toJID V255, toJIDResource V100?, sentDate BI, stanza T?, body T?, isPMforJID V255?; IX ofMessageArchive_con_idx(conversationID); IX ofMessageArchive_fromjid_idx(fromJID); IX ofMessageArchive_tojid_idx(toJID); IX ofMessageArchive_sent_idx(sentDate); IX ofMessageArchive_pm_idx(isPMforJID); IX ofMessageArchive_pmft_idx(isPMforJID,fromJID,toJID); IX ofMessageArchive_ft_idx(fromJID,toJID)',
  ofRRDs: 'id V100, updatedDate BI, bytes MB?; PK id',
}

/** Makes the tables with the rows that a new installation has. @param version 25 to 40 */
export async function createOpenfireSchema(knex: Knex, client: Client, version: number, charset?: string): Promise<void> {
  const columns: Readonly<Record<string, string>> = {
    scram: version <= LAST_WITH_SCRAM_COLUMNS ? `${SCRAM_COLUMNS},` : '',
    stanza: version < 33 ? '' : 'stanza T?,',
    ...roomColumns(version),
  }
  for (const [name, notation] of Object.entries(TABLES)) {
    const filled = notation.replace(/\{(\w+)\}/g, (_, part: string) => columns[part] ?? '')
    await create(knex, client, name, filled, charset)
  }
  for (const [name, [since, notation]] of Object.entries(LATER_TABLES)) if (version >= since) await create(knex, client, name, notation, charset)
  const ids = { 18: 1, 19: 1, 23: 1, 26: 2, 27: 1 }
  await knex('ofID').insert(Object.entries(ids).map(([idType, id]) => ({ idType: Number(idType), id })))
  await knex('ofMucService').insert({ serviceID: 1, subdomain: 'conference', isHidden: 0 })
  await knex('ofVersion').insert({ name: 'openfire', version })
}

/** Tables of the monitoring plugin. */
export async function createMonitoringSchema(knex: Knex, client: Client, charset?: string): Promise<void> {
  for (const [name, notation] of Object.entries(MONITORING)) await create(knex, client, name, notation, charset)
  await knex('ofVersion').insert({ name: 'monitoring', version: 10 })
}

async function create(knex: Knex, client: Client, table: string, notation: string, charset: string | undefined): Promise<void> {
  const [columns = '', ...keys] = notation.split(';').map((part) => part.trim())
  const lines = columns.split(',').map((it) => columnSql(it.trim()))
  const keyColumns = (text: string) => text.split(',').map((it) => (client === 'mysql' ? it.replace(/ (\d+)$/, '($1)') : it.replace(/ \d+$/, '')))
  const primary = keys.find((it) => it.startsWith('PK '))
  if (primary) lines.push(`primary key (${keyColumns(primary.slice(3)).join(', ')})`)
  const suffix = client === 'mysql' && charset ? ` character set ${charset}` : ''
  await knex.schema.raw(`create table ${table} (${lines.join(', ')})${suffix}`)
  for (const key of keys) {
    const index = /^IX (\w+)\((.+)\)$/.exec(key)
    if (index) await knex.schema.raw(`create index ${index[1]} on ${table} (${keyColumns(index[2] ?? '').join(', ')})`)
  }
}

const TYPES: Readonly<Record<string, string>> = {
  T: 'text',
  MT: 'mediumtext',
  MB: 'mediumblob',
  TI: 'tinyint',
  I: 'integer',
  BI: 'bigint',
  D: 'char(15)',
  TS: 'timestamp default current_timestamp',
}

function columnSql(column: string): string {
  const [name, short = ''] = column.split(' ')
  const type = short.replace('?', '')
  const sql = TYPES[type] ?? (type.startsWith('V') ? `varchar(${type.slice(1)})` : `char(${type.slice(1)})`)
  return `${name} ${sql}${short.endsWith('?') ? '' : ' not null'}`
}
