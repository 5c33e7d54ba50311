/** One request of XEP-0060, taken apart and checked as far as its form goes. */
import { childElements, type Element, Jid, namespaceOf, StanzaError } from '@beaconfire/plugin-sdk'
import type { Node } from './node.js'
import { nodeIdRequired } from './pubsub-errors.js'
import type { PubsubService } from './services.js'

export interface PubsubRequest {
  /** Address of the service: a domain, or the bare JID of an account. */
  readonly service: Jid
  /** Full JID that asks. */
  readonly actor: Jid
  readonly type: 'get' | 'set'
  /** `<pubsub/>` */
  readonly payload: Element
  /** What is to be done: the first child of `<pubsub/>`. */
  readonly action: Element
  /** False when the actor may not know that the account exists. */
  readonly isEntitled: boolean
}

/** @returns the answer; nothing for an empty result @throws StanzaError */
export type RequestHandler = (request: PubsubRequest) => Promise<Element | undefined>

/** Children of the same namespace: what the request consists of. */
export function partsOf(payload: Element): Element[] {
  const namespace = namespaceOf(payload)
  return childElements(payload).filter((it) => namespaceOf(it) === namespace)
}

/** The one other child besides the action, of this name. @throws StanzaError bad-request for any other, or several */
export function companion({ payload, action }: PubsubRequest, name: string): Element | undefined {
  const others = partsOf(payload).filter((it) => it !== action)
  if (others.length > 1 || others.some((it) => it.getName() !== name)) throw new StanzaError('bad-request')
  return others[0]
}

/** @throws StanzaError bad-request when there is anything besides the action */
export function assertAlone(request: PubsubRequest): void {
  if (partsOf(request.payload).length > 1) throw new StanzaError('bad-request')
}

/** The `node` of the action. @throws StanzaError bad-request with nodeid-required */
export function nodeIdOf({ action }: PubsubRequest): string {
  const node = action.attrs.node as string | undefined
  if (!node) throw nodeIdRequired()
  return node
}

/** The node that the action names. @throws StanzaError */
export function nodeOf(request: PubsubRequest, service: PubsubService): Node {
  const node = service.nodes.get(nodeIdOf(request))
  if (!node) throw missingNode(request)
  return node
}

/** A stranger must not tell an account without the node from no account. */
export function missingNode({ isEntitled }: Pick<PubsubRequest, 'isEntitled'>): StanzaError {
  return new StanzaError(isEntitled ? 'item-not-found' : 'service-unavailable')
}

/** The JID in an attribute, if it is one. */
export function jidAttribute(el: Element): Jid | undefined {
  const text = el.attrs.jid as string | undefined
  return text === undefined ? undefined : Jid.tryParse(text)
}
