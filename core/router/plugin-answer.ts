/** What a plugin answers to a stanza that was given to it: in time, and a refusal where it throws. */
import { type Element, isPromise, type Logger, type MaybePromise, StanzaError } from '@beaconfire/plugin-sdk'
import { withinLimit } from '../pipeline/time-limit.js'

/** How long a plugin may take over one stanza, in ms: the sender's next stanza waits for it. */
const ANSWER_LIMIT_MS = 30_000

export interface Answering<Request> {
  handle(request: Request): MaybePromise<Element | undefined | void>
}

/** One of those that answer, and whose it is. */
export interface Registered<Answers> {
  readonly plugin: string
  readonly handler: Answers
}

/** @returns payload of the answer, if it has any, or the refusal: a bug of the plugin's own is logged, and told as a fault of the server */
export function answerTo<Request>(
  request: Request,
  { plugin, handler }: Registered<Answering<Request>>,
  log: Logger,
): MaybePromise<Element | StanzaError | undefined> {
  try {
    const answer = handler.handle(request)
    if (!isPromise(answer)) return answer ?? undefined
    const inTime = withinLimit('the answer', () => answer, ANSWER_LIMIT_MS)
    return inTime.then(
      (made) => made ?? undefined,
      (error: unknown) => refusal(error, plugin, log),
    )
  } catch (error) {
    return refusal(error, plugin, log)
  }
}

function refusal(error: unknown, plugin: string, log: Logger): StanzaError {
  if (error instanceof StanzaError) return error
  log.error({ plugin, error }, 'a plugin failed to answer a stanza')
  return new StanzaError('internal-server-error', { type: 'wait' })
}
