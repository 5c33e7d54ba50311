/** Notes on a message under way: which sessions get it, where there are several. */
import type { Stanza } from '@beaconfire/plugin-sdk'

const SESSIONS = Symbol('sessions that get this message')

interface Recipient {
  readonly isOpen: boolean
}

export function noteRecipients(stanza: Stanza, sessions: readonly Recipient[]): void {
  stanza[SESSIONS] = sessions
}

/** @returns undefined where there is one recipient, or none was noted */
export function recipientsOf(stanza: Stanza): readonly Recipient[] | undefined {
  return stanza[SESSIONS] as readonly Recipient[] | undefined
}

/** A copy for one recipient keeps the note. */
export function copyRecipients(from: Stanza, to: Stanza): void {
  const sessions = from[SESSIONS]
  if (sessions !== undefined) to[SESSIONS] = sessions
}
