/** Finds the handler of an iq request by type and payload namespace, and makes its answer (RFC 6120 §8.2.3). */
import {
  type Element,
  type Iq,
  type IqHandler,
  type IqRequest,
  type IqTarget,
  isPromise,
  type Logger,
  type MaybePromise,
  NS,
  namespaceOf,
  type PreAuthIqHandler,
  type PreAuthIqRequest,
  StanzaError,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'
import { withinLimit } from '../pipeline/time-limit.js'
import { ContributionConflict } from '../plugin-host/registries.js'

/** How long a handler may take, in ms: the requester's next stanza waits for it. */
const ANSWER_LIMIT_MS = 30_000

const DEFAULT_TARGETS: readonly IqTarget[] = ['server', 'own-account']

interface Registered<Handler> {
  readonly plugin: string
  readonly handler: Handler
}

export class IqDispatcher {
  readonly #handlers = new Map<string, readonly Registered<IqHandler>[]>()
  readonly #preAuth = new Map<string, Registered<PreAuthIqHandler>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** @returns the undo @throws ContributionConflict when another handler answers the same requests */
  add(plugin: string, handler: IqHandler): () => void {
    const others = this.#handlers.get(handler.namespace) ?? []
    const rival = others.find((it) => overlap(it.handler, handler))
    if (rival) throw new ContributionConflict(`iq requests in "${handler.namespace}" are answered by plugin ${rival.plugin} already`)
    const added = { plugin, handler }
    this.#handlers.set(handler.namespace, [...others, added])
    return () => {
      const left = (this.#handlers.get(handler.namespace) ?? []).filter((it) => it !== added)
      if (left.length > 0) this.#handlers.set(handler.namespace, left)
      else this.#handlers.delete(handler.namespace)
    }
  }

  /** @returns the undo @throws ContributionConflict */
  addPreAuth(plugin: string, handler: PreAuthIqHandler): () => void {
    const rival = this.#preAuth.get(handler.namespace)
    if (rival) throw new ContributionConflict(`"${handler.namespace}" is answered before authentication by plugin ${rival.plugin} already`)
    const added = { plugin, handler }
    this.#preAuth.set(handler.namespace, added)
    return () => {
      if (this.#preAuth.get(handler.namespace) === added) this.#preAuth.delete(handler.namespace)
    }
  }

  /**
   * @param reply sends what a handler answers before it is done
   * @returns the reply to send, made even when the handler fails, for every request has an answer; undefined when `reply` had it
   */
  dispatch(iq: Iq, origin: Origin, target: IqTarget, reply: (result: Iq) => MaybePromise<void>): MaybePromise<Iq | StanzaError | undefined> {
    const payload = iq.payload
    if (!payload) return new StanzaError('bad-request')
    if (namespaceOf(payload) === NS.session && target !== 'other-account') return iq.result()
    const found = this.#find(iq, payload, target)
    if (!found && namespaceOf(payload) === NS.bind) return new StanzaError('not-allowed', { text: 'A resource is bound already.' })
    if (!found) return new StanzaError('service-unavailable')
    let isAnswered = false
    const request: IqRequest = {
      iq,
      payload,
      session: origin,
      target,
      account: target === 'server' ? undefined : (iq.to ?? origin.jid).bare(),
      hold: (durable) => origin.hold(durable),
      answer(content) {
        if (isAnswered) throw new Error('a request has one answer')
        isAnswered = true
        return reply(iq.result(content))
      },
    }
    const settled = this.#settle(
      found.plugin,
      () => found.handler.handle(request),
      (answer) => (isAnswered ? undefined : iq.result(answer ?? undefined)),
    )
    return whenDone(settled, (answer) => (isAnswered ? undefined : answer))
  }

  /** Answers what may be asked before authentication. @throws StanzaError */
  async dispatchPreAuth(iq: Iq, session: PreAuthIqRequest['session']): Promise<Element | undefined> {
    const payload = iq.payload
    const found = payload && this.#preAuth.get(namespaceOf(payload))
    if (!found) throw new StanzaError('not-authorized')
    const answer = await this.#settle(
      found.plugin,
      () => found.handler.handle({ iq, payload, session }),
      (made) => made ?? undefined,
    )
    if (answer instanceof StanzaError) throw answer
    return answer
  }

  #find(iq: Iq, payload: Element, target: IqTarget): Registered<IqHandler> | undefined {
    return this.#handlers.get(namespaceOf(payload))?.find(({ handler }) => {
      return (
        (handler.type ?? iq.type) === iq.type &&
        (handler.element ?? payload.getName()) === payload.getName() &&
        (handler.targets ?? DEFAULT_TARGETS).includes(target)
      )
    })
  }

  #settle<T>(
    plugin: string,
    call: () => MaybePromise<Element | undefined | void>,
    finish: (answer: Element | undefined | void) => T,
  ): MaybePromise<T | StanzaError> {
    try {
      const answer = call()
      if (!isPromise(answer)) return finish(answer)
      return withinLimit('the answer', () => answer, ANSWER_LIMIT_MS).then(finish, (error: unknown) => this.#refusal(error, plugin))
    } catch (error) {
      return this.#refusal(error, plugin)
    }
  }

  #refusal(error: unknown, plugin: string): StanzaError {
    if (error instanceof StanzaError) return error
    this.#log.error({ plugin, error }, 'iq handler failed')
    return new StanzaError('internal-server-error', { type: 'wait' })
  }
}

function overlap(a: IqHandler, b: IqHandler): boolean {
  const sameOrAny = (x: string | undefined, y: string | undefined) => x === undefined || y === undefined || x === y
  const targets = b.targets ?? DEFAULT_TARGETS
  return sameOrAny(a.type, b.type) && sameOrAny(a.element, b.element) && (a.targets ?? DEFAULT_TARGETS).some((it) => targets.includes(it))
}
