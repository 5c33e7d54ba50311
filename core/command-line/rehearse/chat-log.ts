/** Reads messages of the chat log, oldest first. A row has the stanza as it was handed over: what the present plugins made of it is in it. */
import { Jid, JidError, parseStoredStanza, XmlError } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { Passage, PassageCrossing } from './passage.js'
import { type Period, RehearsalImpossible } from './rehearsal-options.js'

const PAGE = 500

interface LoggedMessage {
  readonly messageID: number
  readonly sessionJID: string
  readonly createDate: number
  readonly detail: string
  readonly type: string
}

export interface ChatLogOptions {
  readonly period: Period
  /** Only what this account sent or got. */
  readonly user: string | undefined
  readonly domain: string
  readonly onUnreadable: () => void
}

/** @throws RehearsalImpossible when there is no chat log, or `user` is no JID */
export async function openChatLog(knex: Knex, { period, user, domain, onUnreadable }: ChatLogOptions): Promise<AsyncIterable<Passage>> {
  if (!(await knex.schema.hasTable('ofChatLog'))) throw new RehearsalImpossible("the server's database has no chat log (table ofChatLog)")
  const account = user === undefined ? undefined : Jid.tryParse(user)?.bare().toString()
  if (user !== undefined && account === undefined) throw new RehearsalImpossible(`--user "${user}" is no JID`)
  return messagesOf(knex, period, account, domain, onUnreadable)
}

async function* messagesOf(
  knex: Knex,
  period: Period,
  account: string | undefined,
  domain: string,
  onUnreadable: () => void,
): AsyncGenerator<Passage> {
  let last: LoggedMessage | undefined
  do {
    const rows: LoggedMessage[] = await page(knex, period, account, last)
    for (const row of rows) {
      const passage = passageOf(row, domain)
      if (passage) yield passage
      else onUnreadable()
    }
    last = rows.length < PAGE ? undefined : rows.at(-1)
  } while (last)
}

async function page(knex: Knex, { from, to }: Period, account: string | undefined, after: LoggedMessage | undefined): Promise<LoggedMessage[]> {
  const query = knex<LoggedMessage>('ofChatLog').select('messageID', 'sessionJID', 'createDate', 'detail', 'type')
  const start = after?.createDate ?? from
  if (start !== undefined) void query.where('createDate', '>=', start)
  if (to !== undefined) void query.where('createDate', '<', to)
  if (account !== undefined) void query.where((either) => void either.where('sender', account).orWhere('receiver', account))
  if (after) {
    const { createDate, messageID } = after
    void query.where((either) => void either.where('createDate', '>', createDate).orWhere('messageID', '>', messageID))
  }
  return (await query.orderBy('createDate').orderBy('messageID').limit(PAGE)) as LoggedMessage[]
}

/** To a room only its sender's crossing is known; of two people, that of each. */
function passageOf({ messageID, sessionJID, createDate, detail, type }: LoggedMessage, domain: string): Passage | undefined {
  const sender = senderOf(detail)
  const receiver = Jid.tryParse(sessionJID)
  if (!receiver || !sender) return undefined
  const crossing = (incoming: boolean, jid: Jid): PassageCrossing => {
    const kind = jid.domain === domain ? 'client' : 'server'
    return { incoming, session: { kind, id: `chatlog-${jid}`, jid: jid.toString(), remoteAddress: '', secure: true }, packet: detail }
  }
  const crossings = type === 'groupchat' ? [crossing(true, receiver)] : [crossing(true, sender), crossing(false, receiver)]
  return { id: String(messageID), at: Number(createDate), hasBodies: true, crossings }
}

/** @returns undefined when there is none, or the text is no stanza */
function senderOf(detail: string): Jid | undefined {
  try {
    return parseStoredStanza(detail).from
  } catch (error) {
    if (error instanceof XmlError || error instanceof JidError || error instanceof TypeError) return undefined
    throw error
  }
}
