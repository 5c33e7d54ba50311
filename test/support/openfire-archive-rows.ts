/** The archive of Openfire's monitoring plugin, as that plugin writes it. */
import { createMonitoringSchema } from './openfire-schema.js'
import type { OpenfireStore } from './openfire-store.js'

export const ROOM = 'hall@conference.test'
/** When all conversations began, in epoch milliseconds. They last a minute. */
export const START = 1_700_000_000_000
export const END = START + 60_000

/** Its tables, with conversation 1 of two users, and 2 in {@link ROOM}. */
export async function createArchive({ knex, client }: OpenfireStore, messages: { readonly ofTwo: number; readonly inRoom: number }): Promise<void> {
  await createMonitoringSchema(knex, client)
  const times = { isExternal: 0, startDate: START, lastActivity: END }
  await knex('ofConversation').insert([
    { ...times, conversationID: 1, messageCount: messages.ofTwo },
    { ...times, conversationID: 2, roomID: 7, room: ROOM, messageCount: messages.inRoom },
  ])
}

export interface ArchivedMessage {
  /** Null as old versions of the plugin have it. */
  readonly messageID: number | null
  /** Bare JIDs. */
  readonly from: string
  readonly to: string
  /** Since the start. */
  readonly seconds: number
  readonly body: string | null
  readonly conversationID?: number
  readonly stanza?: string | null
  readonly isPMforJID?: string
  readonly toJIDResource?: string
}

export async function archive({ knex }: OpenfireStore, { from, to, seconds, ...columns }: ArchivedMessage): Promise<void> {
  const row = {
    conversationID: 1,
    fromJID: from,
    fromJIDResource: 'a',
    toJID: to,
    toJIDResource: null,
    sentDate: START + seconds * 1000,
    stanza: null,
  }
  await knex('ofMessageArchive').insert({ ...row, ...columns })
}

/** Where two talk, who says the message of this number, and to whom. */
export function turn(number: number, one: string, other: string): { readonly from: string; readonly to: string } {
  return number % 2 === 1 ? { from: one, to: other } : { from: other, to: one }
}
