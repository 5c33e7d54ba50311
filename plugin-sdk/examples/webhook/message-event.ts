/** What a receiver is told of a message. */
import { randomUUID } from 'node:crypto'
import type { Message } from '@beaconfire/plugin-sdk'

/** @param bodies false: without what was said @returns JSON */
export function messageEvent(message: Message, bodies: boolean): string {
  const { from, to, id, type, body, subject, thread } = message
  return JSON.stringify({
    id: randomUUID(),
    event: 'message',
    at: new Date().toISOString(),
    from: from?.toString(),
    to: to?.toString(),
    stanzaId: id,
    type,
    thread,
    ...(bodies && { body, subject }),
  })
}
