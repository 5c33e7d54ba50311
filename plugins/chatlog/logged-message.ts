/** A row of the log as the admin API shows it. */
import { type Static, Type } from '@beaconfire/plugin-sdk'
import type { ChatLogRow } from './chat-log-tables.js'

const listed = {
  messageID: Type.Integer(),
  sender: Type.String({ description: 'Bare JID' }),
  receiver: Type.String({ description: 'Bare JID of the recipient, or of the room' }),
  sessionJID: Type.String({ description: 'Full JID it was handed to; of its sender when it went to a room' }),
  type: Type.String({ description: 'chat, normal or groupchat' }),
  createDate: Type.Integer({ description: 'When it was sent, in epoch milliseconds' }),
  sentAt: Type.String({ description: 'The same in ISO 8601' }),
  length: Type.Integer({ description: 'Of content, in UTF-16 units' }),
  content: Type.String(),
  state: Type.Integer({ description: '1: handed over; 0: sent, as the archive of Openfire says no more' }),
}

export const listedMessage = Type.Object(listed)
const conversation = Type.Object({
  conversationID: Type.Integer(),
  room: Type.Optional(Type.String()),
  startDate: Type.Integer({ description: 'Epoch milliseconds' }),
  lastActivity: Type.Integer(),
  messageCount: Type.Integer(),
  participants: Type.Array(
    Type.Object({ jid: Type.String(), nickname: Type.Optional(Type.String()), joined: Type.Integer(), left: Type.Optional(Type.Integer()) }),
  ),
})

export const wholeMessage = Type.Object({
  ...listed,
  detail: Type.String({ description: 'The stanza as it was handed over' }),
  conversation: Type.Optional(conversation),
})

export type WholeMessage = Static<typeof wholeMessage>

export function loggedMessage(row: ChatLogRow): WholeMessage {
  const { messageID, sender, receiver, sessionJID, type, createDate, length, content, state, detail } = row
  return { messageID, sender, receiver, sessionJID, type, createDate, sentAt: new Date(createDate).toISOString(), length, content, state, detail }
}
