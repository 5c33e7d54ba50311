/** Where a message to a local account goes (RFC 6121 §8.5): the pure part of the rules. */
import type { Message } from '@beaconfire/plugin-sdk'

/** What the rules look at in a session. */
export interface Receptive {
  /** Available, and of a priority that is not negative. */
  readonly isReceptive: boolean
  readonly priority: number
}

/** What becomes of a message that reached nobody. */
export type Undelivered = 'store' | 'bounce' | 'drop'

/** The resources a message to a bare JID reaches: available, priority not negative (§8.5.2.1.1). */
export function bareJidTargets<S extends Receptive>(sessions: readonly S[], message: Message, allResources: boolean): readonly S[] {
  if (message.type === 'groupchat' || message.type === 'error') return []
  const willing = sessions.filter((it) => it.isReceptive)
  if (allResources || message.type === 'headline' || willing.length < 2) return willing
  const highest = Math.max(...willing.map((it) => it.priority))
  return willing.filter((it) => it.priority === highest)
}

/** What happens to a message for which there is no resource (§8.5.2.1.1, §8.5.2.2.1, §8.5.3.2.1). */
export function whenUndelivered(message: Message, addressedToResource: boolean): Undelivered {
  switch (message.type) {
    case 'chat':
      return 'store'
    case 'normal':
      return addressedToResource ? 'bounce' : 'store'
    case 'groupchat':
      return 'bounce'
    case 'headline':
      return addressedToResource ? 'bounce' : 'drop'
    case 'error':
      return 'drop'
  }
}
