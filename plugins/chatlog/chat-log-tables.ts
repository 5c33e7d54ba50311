/** `ofChatLog`: one row for each message that was handed over. */
import { createMissingTable, type Migration, type TableColumns } from '@beaconfire/plugin-sdk'

/**
 * Characters of a bare JID in a column: a localpart of 64, as `ofUser` has it, and a domain of 255 fit. All columns of a
 * key together may have 3072 bytes on InnoDB, which is 768 characters.
 */
export const LONGEST_JID = 320

/** Each kind of query walks one of these in the order of its page, so that it never sorts. Both engines end each with the key. */
const INDEXES: Readonly<Record<string, readonly string[]>> = {
  ofChatLog_time_idx: ['createDate'],
  ofChatLog_sender_idx: ['sender', 'createDate'],
  ofChatLog_receiver_idx: ['receiver', 'createDate'],
  ofChatLog_conv_idx: ['conversation', 'createDate'],
}

const columns: TableColumns = (t, client) => {
  if (client === 'mysql') t.bigInteger('messageID').primary()
  else t.integer('messageID').primary() // an INTEGER key is SQLite's row id, and saves an index
  t.text('sessionJID').notNullable()
  t.string('sender', LONGEST_JID).notNullable()
  t.string('receiver', LONGEST_JID).notNullable()
  t.bigInteger('createDate').notNullable()
  t.integer('length').notNullable()
  t.text('content', 'mediumtext').notNullable()
  t.text('detail', 'mediumtext').notNullable()
  t.integer('state').notNullable()
  t.string('type', 9).notNullable()
  t.bigInteger('conversation').notNullable()
}

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      const { knex } = details
      if ((await knex.schema.hasTable('ofChatLog')) && !(await knex.schema.hasColumn('ofChatLog', 'conversation'))) {
        throw new Error('there is a table ofChatLog of another program; rename it')
      }
      await createMissingTable(details, 'ofChatLog', columns, INDEXES)
    },
  },
]

export type ChatLogRow = {
  /** From the `ofID` sequence 1001. */
  messageID: number
  /** Full JID the message was handed to; for a room message that of its sender. */
  sessionJID: string
  /** Bare JID, through {@link jidColumn}. */
  sender: string
  /** Bare JID of the recipient or the room, through {@link jidColumn}. */
  receiver: string
  /** When it was sent, in epoch milliseconds. */
  createDate: number
  /** Of `content`, in UTF-16 units. */
  length: number
  content: string
  /** The stanza as it was handed over, as XML. */
  detail: string
  /** 1: handed over. */
  state: number
  /** `chat`, `normal` or `groupchat`. */
  type: string
  /** Of `conversationColumn`: a conversation is one range of one index. */
  conversation: number
}

/** Which columns a row has, in the order they are written. */
export const COLUMNS = [
  'messageID',
  'sessionJID',
  'sender',
  'receiver',
  'createDate',
  'length',
  'content',
  'detail',
  'state',
  'type',
  'conversation',
] as const satisfies readonly (keyof ChatLogRow)[]
