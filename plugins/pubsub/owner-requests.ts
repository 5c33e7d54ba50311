/** What owners do: configure, delete and purge nodes, manage subscriptions and affiliations (XEP-0060 §8). */
import { childElements, type Element, element, findChild, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { defaultsOf, type Engine, LONGEST_JID, limitsOf } from './engine.js'
import { submittedForm } from './forms.js'
import { AFFILIATIONS, type Affiliation, type Node, type SubscriptionState } from './node.js'
import { configureNode, deleteNode, purgeNode } from './node-changes.js'
import { configForm } from './node-config-form.js'
import { pubsubError, unsupported } from './pubsub-errors.js'
import { assertAlone, jidAttribute, missingNode, nodeIdOf, nodeOf, type PubsubRequest, type RequestHandler } from './request.js'
import type { PubsubService } from './services.js'
import { dropSubscriptionsWithoutAccess, setSubscription } from './subscription-changes.js'

const STATES: readonly (SubscriptionState | 'none')[] = ['none', 'pending', 'subscribed']
/** Longer ones are no address of anything. */
const LONGEST_URI = 2048

/** Handlers by type and name of the action. */
export function ownerRequests(engine: Engine): ReadonlyMap<string, RequestHandler> {
  const { access, services } = engine

  /** Runs `work` on a node that the actor owns, as a change of its service. */
  function asOwner(work: (service: PubsubService, node: Node, request: PubsubRequest) => Promise<Element | undefined>): RequestHandler {
    return async (request) => {
      assertAlone(request)
      nodeIdOf(request)
      return services.change(request.service, async (service) => {
        const node = nodeOf(request, service)
        if (access.affiliation(service, node, request.actor) !== 'owner') throw await refusal(service, node, request)
        return work(service, node, request)
      })
    }
  }

  /** Who may not even read a node of an account that does not know it learns no more than of one that is not there. */
  async function refusal(service: PubsubService, node: Node, request: PubsubRequest): Promise<StanzaError> {
    if (!request.isEntitled && (await access.refusal(service, node, request.actor))) return missingNode(request)
    return new StanzaError('forbidden')
  }

  const onDefault: RequestHandler = async (request) => {
    assertAlone(request)
    if (!request.isEntitled) throw missingNode(request)
    const { kind } = await services.of(request.service)
    return owner(element('default', {}, configForm(defaultsOf(kind, engine.config), limitsOf(kind, engine.config))))
  }

  return new Map<string, RequestHandler>([
    ['get default', onDefault],
    [
      'get configure',
      asOwner(async ({ kind }, node) => owner(element('configure', { node: node.id }, configForm(node.config, limitsOf(kind, engine.config))))),
    ],
    [
      'set configure',
      asOwner(async (service, node, { action }) => {
        const form = submittedForm(action)
        if (form?.type === 'cancel') return undefined
        if (form?.type !== 'submit' || (form.formType ?? NS.pubsubNodeConfig) !== NS.pubsubNodeConfig) throw new StanzaError('bad-request')
        await configureNode(engine, service, node, form)
        return undefined
      }),
    ],
    [
      'set delete',
      asOwner(async (service, node, { action }) => {
        const redirect = findChild(action, 'redirect')?.attrs.uri as string | undefined
        if (redirect !== undefined && redirect.length > LONGEST_URI) throw new StanzaError('bad-request')
        await deleteNode(engine, service, node, redirect)
        return undefined
      }),
    ],
    [
      'set purge',
      asOwner(async (service, node) => {
        if (!node.config.persistItems) throw unsupported('persistent-items')
        await purgeNode(engine, service, node)
        return undefined
      }),
    ],
    [
      'get subscriptions',
      asOwner(async (_service, node) => {
        const all = [...node.subscriptions.values()]
        const found = all.map(({ id, jid, state }) => element('subscription', { jid: jid.toString(), subid: id, subscription: state }))
        return owner(element('subscriptions', { node: node.id }, ...found))
      }),
    ],
    [
      'set subscriptions',
      asOwner(async (service, node, { action }) => {
        for (const { jid, state } of subscriptionsOf(action)) await setSubscription(engine, service, node, jid, state)
        return undefined
      }),
    ],
    [
      'get affiliations',
      asOwner(async (service, node) => {
        const all = new Map(node.affiliations)
        if (service.kind === 'account') all.set(service.jid.toString(), 'owner')
        const found = [...all].map(([jid, affiliation]) => element('affiliation', { jid, affiliation }))
        return owner(element('affiliations', { node: node.id }, ...found))
      }),
    ],
    [
      'set affiliations',
      asOwner(async (service, node, { action }) => {
        await setAffiliations(engine, service, node, affiliationsOf(action))
        return undefined
      }),
    ],
  ])
}

/** All or none (§8.9.2.4). @throws StanzaError not-acceptable when nobody would own the node */
async function setAffiliations(engine: Engine, service: PubsubService, node: Node, wanted: ReadonlyMap<string, Affiliation>): Promise<void> {
  const after = new Map([...node.affiliations, ...wanted])
  const isOwned = service.kind === 'account' ? (wanted.get(service.jid.toString()) ?? 'owner') === 'owner' : [...after.values()].includes('owner')
  if (!isOwned) throw new StanzaError('not-acceptable', { text: 'A node has an owner.' })
  if (after.size > engine.config.maxSubscriptions) throw new StanzaError('policy-violation', { type: 'wait' })
  for (const [jid, affiliation] of wanted) {
    await engine.store.saveAffiliation(service.id, node.id, jid, affiliation)
    if (affiliation === 'none') node.affiliations.delete(jid)
    else node.affiliations.set(jid, affiliation)
  }
  await dropSubscriptionsWithoutAccess(engine, service, node)
}

/** @throws StanzaError bad-request, not-acceptable */
function subscriptionsOf(subscriptions: Element) {
  const entries = childElements(subscriptions).map((it) => {
    const jid = jidAttribute(it)
    const state = STATES.find((known) => known === it.attrs.subscription)
    if (it.getName() !== 'subscription' || !jid) throw pubsubError('bad-request', 'invalid-jid')
    if (!state || jid.toString().length > LONGEST_JID) throw new StanzaError('not-acceptable')
    return { jid, state }
  })
  assertDistinct(entries.map((it) => it.jid.toString()))
  return entries
}

/** @throws StanzaError bad-request, not-acceptable */
function affiliationsOf(affiliations: Element): Map<string, Affiliation> {
  const entries = childElements(affiliations).map((it): [string, Affiliation] => {
    const jid = jidAttribute(it)?.bare().toString()
    const affiliation = AFFILIATIONS.find((known) => known === it.attrs.affiliation)
    if (it.getName() !== 'affiliation' || jid === undefined) throw pubsubError('bad-request', 'invalid-jid')
    if (!affiliation || jid.length > LONGEST_JID) throw new StanzaError('not-acceptable')
    return [jid, affiliation]
  })
  assertDistinct(entries.map(([jid]) => jid))
  return new Map(entries)
}

/** §8.9.2.4: one element for each entity. @throws StanzaError bad-request */
function assertDistinct(jids: readonly string[]): void {
  if (jids.length === 0 || new Set(jids).size < jids.length) throw new StanzaError('bad-request')
}

function owner(child: Element): Element {
  return element('pubsub', { xmlns: NS.pubsubOwner }, child)
}
