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

/**
 * @param failure text for the log when a bug of the plugin's own shows, which the sender is told of as a fault of the server
 * @returns payload of the answer, if it has any, or the refusal
 */
export function answerTo<Request>(
  request: Request,
  { plugin, handler }: Registered<Answering<Request>>,
  log: Logger,
  failure: string,
): MaybePromise<Element | StanzaError | undefined> {
  try {
    const answer = handler.handle(request)
    if (!isPromise(answer)) return answer ?? undefined
    const inTime = withinLimit('the answer', () => answer, ANSWER_LIMIT_MS)
    return inTime.then(
      (made) => made ?? undefined,
      (error: unknown) => refusal(error, plugin, log, failure),
    )
  } catch (error) {
    return refusal(error, plugin, log, failure)
  }
}

function refusal(error: unknown, plugin: string, log: Logger, failure: string): StanzaError {
  if (error instanceof StanzaError) return error
  log.error({ plugin, error }, failure)
  return new StanzaError('internal-server-error', { type: 'wait' })
}
