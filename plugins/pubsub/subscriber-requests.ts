/** subscribe, unsubscribe, subscriptions, affiliations, and creation of nodes (XEP-0060 §5.6, §5.7, §6, §8.1). */
import { type Element, element, type Jid, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { subscriptionsBy } from './access.js'
import type { Engine } from './engine.js'
import { type SubmittedForm, submittedForm } from './forms.js'
import type { Node, Subscription } from './node.js'
import { addNode, draftNode, instantNodeId } from './node-changes.js'
import { pubsubError, unsupported } from './pubsub-errors.js'
import { assertAlone, companion, jidAttribute, missingNode, nodeIdOf, nodeOf, type PubsubRequest, type RequestHandler } from './request.js'
import { sendLastOnSubscription, subscribe, unsubscribe } from './subscription-changes.js'

export function subscriberRequests(engine: Engine): ReadonlyMap<string, RequestHandler> {
  const { access, services } = engine

  async function onSubscribe(request: PubsubRequest): Promise<Element> {
    if (companion(request, 'options')) throw unsupported('subscription-options')
    nodeIdOf(request)
    const jid = jidAttribute(request.action)
    if (!jid?.bare().equals(request.actor.bare())) throw pubsubError('bad-request', 'invalid-jid')
    return services.change(request.service, async (service) => {
      const node = nodeOf(request, service)
      const isNew = !node.subscriptions.has(jid.toString())
      const subscription = await subscribe(engine, service, node, jid)
      if (isNew) sendLastOnSubscription(engine, service, node, subscription)
      return pubsub(subscriptionElement(node, subscription))
    })
  }

  async function onUnsubscribe(request: PubsubRequest): Promise<Element> {
    assertAlone(request)
    nodeIdOf(request)
    const jid = jidAttribute(request.action)
    if (!jid) throw pubsubError('bad-request', 'invalid-jid')
    if (!jid.bare().equals(request.actor.bare())) throw new StanzaError('forbidden')
    return services.change(request.service, async (service) => {
      const node = nodeOf(request, service)
      const ended = await unsubscribe(engine, service, node, jid, request.action.attrs.subid as string | undefined)
      return pubsub(element('subscription', { node: node.id, jid: jid.toString(), subid: ended.id, subscription: 'none' }))
    })
  }

  async function onSubscriptions(request: PubsubRequest): Promise<Element> {
    const { only, nodes } = await asked(request)
    const found = nodes.flatMap((node) => subscriptionsBy(node, request.actor).map((it) => subscriptionElement(node, it)))
    return pubsub(element('subscriptions', { node: only }, ...found))
  }

  async function onAffiliations(request: PubsubRequest): Promise<Element> {
    const { only, nodes } = await asked(request)
    const service = await services.of(request.service)
    const found = nodes.flatMap((node) => {
      const affiliation = access.affiliation(service, node, request.actor)
      return affiliation === 'none' ? [] : [element('affiliation', { node: node.id, affiliation })]
    })
    return pubsub(element('affiliations', { node: only }, ...found))
  }

  /** The nodes that the request is about: all, or the one it names. */
  async function asked(request: PubsubRequest): Promise<{ only: string | undefined; nodes: Node[] }> {
    assertAlone(request)
    const service = await services.of(request.service)
    if (request.action.attrs.node === undefined) {
      const nodes = [...service.nodes.values()]
      // A stranger must not tell an account that is there from one that is not.
      if (!request.isEntitled && !nodes.some((node) => isInvolved(node, request.actor))) throw missingNode(request)
      return { only: undefined, nodes }
    }
    const node = nodeOf(request, service)
    if (!isInvolved(node, request.actor)) {
      const refusal = await access.refusal(service, node, request.actor)
      if (refusal) throw refusal
    }
    return { only: node.id, nodes: [node] }
  }

  async function onCreate(request: PubsubRequest): Promise<Element | undefined> {
    const configure = companion(request, 'configure')
    if (configure?.attrs.node !== undefined) throw new StanzaError('bad-request')
    const form = configure && configForm(configure)
    const named = (request.action.attrs.node as string | undefined) || undefined
    const id = named ?? instantNodeId()
    await services.change(request.service, async (service) => {
      if (service.kind === 'account' && !request.actor.bare().equals(service.jid))
        throw new StanzaError(request.isEntitled ? 'forbidden' : 'service-unavailable')
      await addNode(engine, service, draftNode(engine, service, id, request.actor, form))
    })
    return named === undefined ? pubsub(element('create', { node: id })) : undefined
  }

  return new Map<string, RequestHandler>([
    ['subscribe', onSubscribe],
    ['unsubscribe', onUnsubscribe],
    ['subscriptions', onSubscriptions],
    ['affiliations', onAffiliations],
    ['create', onCreate],
  ])
}

/** The form in `<configure/>`; none at all means the defaults. @throws StanzaError bad-request */
function configForm(configure: Element): SubmittedForm | undefined {
  const form = submittedForm(configure)
  if (!form) return undefined
  if (form.type !== 'submit' || (form.formType !== undefined && form.formType !== NS.pubsubNodeConfig)) throw new StanzaError('bad-request')
  return form
}

function isInvolved(node: Node, who: Jid): boolean {
  return node.affiliations.has(who.bare().toString()) || subscriptionsBy(node, who).length > 0
}

function subscriptionElement(node: Node, { id, jid, state }: Subscription): Element {
  return element('subscription', { node: node.id, jid: jid.toString(), subid: id, subscription: state })
}

function pubsub(child: Element): Element {
  return element('pubsub', { xmlns: NS.pubsub }, child)
}
