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
import { type PinnedTable, PinnedTables } from '../pipeline/pinned-tables.js'
import { ContributionConflict } from '../plugin-host/registries.js'
import { answerTo, type Registered } from './plugin-answer.js'

const FAILURE = 'iq handler failed'
const DEFAULT_TARGETS: readonly IqTarget[] = ['server', 'own-account']

export class IqDispatcher {
  readonly #handlers = new Map<string, readonly Registered<IqHandler>[]>()
  readonly #preAuth = new Map<string, Registered<PreAuthIqHandler>>()
  readonly #log: Logger
  readonly #tables: PinnedTables
  readonly #table: PinnedTable<ReadonlyMap<string, readonly Registered<IqHandler>[]>>

  constructor(log: Logger, tables = new PinnedTables()) {
    this.#log = log
    this.#tables = tables
    this.#table = tables.table(() => new Map(this.#handlers))
  }

  /** @returns the undo @throws ContributionConflict when another handler answers the same requests */
  add(plugin: string, handler: IqHandler): () => void {
    const others = this.#handlers.get(handler.namespace) ?? []
    const rival = others.find((it) => overlap(it.handler, handler))
    if (rival) throw new ContributionConflict(`iq requests in "${handler.namespace}" are answered by plugin ${rival.plugin} already`)
    const added = { plugin, handler }
    this.#table.change(() => void this.#handlers.set(handler.namespace, [...others, added]))
    return () =>
      this.#table.change(() => {
        const left = (this.#handlers.get(handler.namespace) ?? []).filter((it) => it !== added)
        if (left.length > 0) this.#handlers.set(handler.namespace, left)
        else this.#handlers.delete(handler.namespace)
      })
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
    return whenDone(answerTo(request, found, this.#log, FAILURE), (answer) => {
      if (isAnswered) return undefined
      return answer instanceof StanzaError ? answer : iq.result(answer)
    })
  }

  /** Answers what may be asked before authentication. @throws StanzaError */
  async dispatchPreAuth(iq: Iq, session: PreAuthIqRequest['session']): Promise<Element | undefined> {
    const payload = iq.payload
    const found = payload && this.#preAuth.get(namespaceOf(payload))
    if (!found) throw new StanzaError('not-authorized')
    const asked = answerTo({ iq, payload, session }, found, this.#log, FAILURE)
    const answer = isPromise(asked) ? await this.#tables.await(asked) : asked
    if (answer instanceof StanzaError) throw answer
    return answer
  }

  #find(iq: Iq, payload: Element, target: IqTarget): Registered<IqHandler> | undefined {
    return this.#table
      .of(iq)
      .get(namespaceOf(payload))
      ?.find(({ handler }) => {
        return (
          (handler.type ?? iq.type) === iq.type &&
          (handler.element ?? payload.getName()) === payload.getName() &&
          (handler.targets ?? DEFAULT_TARGETS).includes(target)
        )
      })
  }
}

function overlap(a: IqHandler, b: IqHandler): boolean {
  const sameOrAny = (x: string | undefined, y: string | undefined) => x === undefined || y === undefined || x === y
  const targets = b.targets ?? DEFAULT_TARGETS
  return sameOrAny(a.type, b.type) && sameOrAny(a.element, b.element) && (a.targets ?? DEFAULT_TARGETS).some((it) => targets.includes(it))
}
