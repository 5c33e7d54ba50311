/** Answers who writes to somebody that is away. */
import {
  element,
  type Hooks,
  isPromise,
  type Jid,
  type Logger,
  type Message,
  type Metrics,
  message,
  type RosterService,
  type Sessions,
  type Stanza,
} from '@beaconfire/plugin-sdk'
import type { ReplyConfig } from './config.js'
import { AUTO_SUBMITTED, isAnswerable, SHIM } from './is-answerable.js'
import type { Replies } from './replies.js'
import type { Reply, ReplyStore } from './reply-store.js'

const HOUR_MS = 3_600_000
/** Replies that are being made at the same time; further messages go without. */
const MOST_UNDER_WAY = 1000

export interface AnswerCollaborators {
  readonly replies: Replies
  readonly store: Pick<ReplyStore, 'claim'>
  readonly roster: Pick<RosterService, 'item'>
  readonly sessions: Pick<Sessions, 'ofUser'>
  readonly domain: Jid
  readonly config: ReplyConfig
  readonly log: Logger
  readonly metrics: Metrics
  send(stanza: Stanza): unknown
}

/**
 * A hook and no interceptor: it is asked once for each stanza to an account, and after privacy lists and blocking where those are asked
 * first, so that whom the account has blocked is not answered.
 */
export function answerMessages(collaborators: AnswerCollaborators): Pick<Hooks, 'stanzaArrived'> & { readonly whenIdle: () => Promise<unknown> } {
  const { replies, sessions, domain, config, log, metrics } = collaborators
  const ignored = new Set(config.ignored)
  const sent = metrics.counter('replies_total', 'Replies that were sent')
  const underWay = new Set<Promise<void>>()
  return {
    whenIdle: () => Promise.allSettled(underWay),
    stanzaArrived({ stanza, recipient }) {
      const sender = stanza.from
      if (replies.count === 0 || stanza.kind !== 'message' || !sender || recipient.domain !== domain.domain) return 'pass'
      const reply = replies.of(recipient.local)
      if (!reply || !isAnswerable(stanza, sender, ignored) || (config.onlyWhenAway && isThere(sessions, recipient))) return 'pass'
      if (underWay.size >= MOST_UNDER_WAY) return 'pass'
      // The message goes on meanwhile.
      const answering = answer(collaborators, stanza, sender, recipient.bare(), reply).then(
        (isSent) => isSent && sent.increment(),
        (error: unknown) => log.error({ jid: recipient.toString(), error }, 'a reply could not be sent'),
      ) as Promise<void>
      underWay.add(answering)
      void answering.then(() => underWay.delete(answering))
      return 'pass'
    },
  }
}

async function answer(
  { config, roster, store, send }: AnswerCollaborators,
  asked: Message,
  sender: Jid,
  account: Jid,
  reply: Reply,
): Promise<boolean> {
  const { type, thread } = asked
  if (config.contactsOnly) {
    const item = await roster.item(account, sender.bare())
    if (item?.subscription !== 'from' && item?.subscription !== 'both') return false
  }
  const now = Date.now()
  if (!(await store.claim(account.local, sender.bare().toString(), now, now - config.periodHours * HOUR_MS))) return false
  const mark = element('headers', { xmlns: SHIM }, element('header', { name: AUTO_SUBMITTED }, 'auto-replied'))
  const said = [element('body', {}, reply.text), thread !== undefined && element('thread', {}, thread), mark]
  const done = send(message({ from: account, to: sender, type, id: `auto-reply-${now}` }, ...said))
  if (isPromise(done)) await done
  return true
}

function isThere(sessions: Pick<Sessions, 'ofUser'>, recipient: Jid): boolean {
  return sessions.ofUser(recipient).some(({ isAvailable, presence }) => isAvailable && (presence?.show === undefined || presence.show === 'chat'))
}
