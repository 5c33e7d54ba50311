/** Finds what a request of XEP-0060 asks for, at whichever service. */
import { type Element, type Iq, type Jid, NS, namespaceOf, StanzaError } from '@beaconfire/plugin-sdk'
import type { Engine } from './engine.js'
import { itemsRequest } from './items-request.js'
import { ownerRequests } from './owner-requests.js'
import { publishRequests } from './publish-requests.js'
import { unsupported } from './pubsub-errors.js'
import { partsOf, type RequestHandler } from './request.js'
import { subscriberRequests } from './subscriber-requests.js'

/** Features of XEP-0060 that are not there, by what would ask for them. */
const MISSING: ReadonlyMap<string, string> = new Map([
  ['get options', 'subscription-options'],
  ['set options', 'subscription-options'],
  ['get default', 'retrieve-default-sub'],
])
const READING: ReadonlySet<string> = new Set(['subscriptions', 'affiliations'])

export class PubsubRequests {
  readonly #subscribers: ReadonlyMap<string, RequestHandler>
  readonly #owners: ReadonlyMap<string, RequestHandler>
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
    this.#owners = ownerRequests(engine)
    const handlers: [string, RequestHandler][] = [['get items', itemsRequest(engine)]]
    for (const [name, handler] of publishRequests(engine)) handlers.push([`set ${name}`, handler])
    for (const [name, handler] of subscriberRequests(engine)) handlers.push([READING.has(name) ? `get ${name}` : `set ${name}`, handler])
    this.#subscribers = new Map(handlers)
  }

  /** @param service bare JID of an account, or the domain of the service @throws StanzaError */
  async handle(iq: Iq, payload: Element, service: Jid, actor: Jid): Promise<Element | undefined> {
    const isOwners = namespaceOf(payload) === NS.pubsubOwner
    const [action] = partsOf(payload)
    if (payload.getName() !== 'pubsub' || !action) throw new StanzaError('bad-request')
    const type = iq.type === 'set' ? 'set' : 'get'
    const name = `${type} ${action.getName()}`
    const isEntitled = await this.#isEntitled(service, actor)
    const handler = (isOwners ? this.#owners : this.#subscribers).get(name)
    if (handler) return handler({ service, actor, type, payload, action, isEntitled })
    if (!isEntitled) throw new StanzaError('service-unavailable')
    const missing = isOwners ? undefined : MISSING.get(name)
    throw missing ? unsupported(missing) : new StanzaError('bad-request')
  }

  async #isEntitled(service: Jid, actor: Jid): Promise<boolean> {
    return service.local === '' || actor.bare().equals(service) || this.#engine.access.seesPresence(service, actor)
  }
}
