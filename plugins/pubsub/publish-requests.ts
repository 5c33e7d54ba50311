/** publish and retract (XEP-0060 §7). */
import { childElements, type Element, element, NS, namespaceOf, StanzaError } from '@beaconfire/plugin-sdk'
import { type Engine, itemLimit, limitsOf } from './engine.js'
import { parseBoolean, type SubmittedForm, submittedForm } from './forms.js'
import { assertFits, type DraftItem, publish, retract } from './item-changes.js'
import type { Node } from './node.js'
import { addNode, draftNode, mayCreate } from './node-changes.js'
import { assertPreconditions } from './node-config-form.js'
import { selfContained } from './payload.js'
import { pubsubError } from './pubsub-errors.js'
import { assertAlone, companion, missingNode, nodeIdOf, nodeOf, type PubsubRequest, type RequestHandler } from './request.js'
import type { PubsubService } from './services.js'

export function publishRequests(engine: Engine): ReadonlyMap<string, RequestHandler> {
  /** The node, made if that may be (§7.1.4), with the preconditions met (§7.1.5). */
  async function target(
    request: PubsubRequest,
    service: PubsubService,
    drafts: readonly DraftItem[],
    options: SubmittedForm | undefined,
  ): Promise<Node> {
    const id = nodeIdOf(request)
    const node = service.nodes.get(id)
    if (node) {
      if (!engine.access.mayPublish(service, node, request.actor)) throw await publishRefusal(request, service, node)
      if (options) assertPreconditions(node.config, options, limitsOf(service.kind, engine.config))
      return node
    }
    const isMadeByItself = service.kind === 'account' || engine.config.autoCreate
    if (!isMadeByItself || !mayCreate(engine, service, request.actor)) throw missingNode(request)
    const made = draftNode(engine, service, id, request.actor, options)
    assertFits(made, drafts, itemLimit(made.config, engine.config)) // what cannot be published leaves no node behind
    await addNode(engine, service, made)
    return made
  }

  /** Who may not even read a node of an account that is not known to it learns no more than of one that is not there. */
  async function publishRefusal({ actor, isEntitled }: PubsubRequest, service: PubsubService, node: Node): Promise<StanzaError> {
    if (!isEntitled && (await engine.access.refusal(service, node, actor))) return missingNode({ isEntitled })
    return new StanzaError('forbidden')
  }

  async function onPublish(request: PubsubRequest): Promise<Element> {
    const options = optionsOf(companion(request, 'publish-options'))
    const drafts = draftsOf(request.action)
    const id = nodeIdOf(request)
    const { items, node, service } = await engine.services.change(request.service, async (service) => {
      const node = await target(request, service, drafts, options)
      return { items: await publish(engine, service, node, drafts, request.actor), node, service }
    })
    if (service.kind === 'account') await engine.changed({ owner: service.jid, node, published: items, retracted: [] })
    return element('pubsub', { xmlns: NS.pubsub }, element('publish', { node: id }, ...items.map((it) => element('item', { id: it.id }))))
  }

  async function onRetract(request: PubsubRequest): Promise<undefined> {
    assertAlone(request)
    nodeIdOf(request)
    const children = childElements(request.action)
    const ids = [...new Set(children.map((it) => String(it.attrs.id ?? '')))]
    if (ids.length === 0 || ids.includes('') || children.some((it) => it.getName() !== 'item')) throw pubsubError('bad-request', 'item-required')
    const { notify } = request.action.attrs as Record<string, string | undefined>
    const wish = parseBoolean(notify)
    if (notify !== undefined && wish === undefined) throw new StanzaError('bad-request')
    const { node, service } = await engine.services.change(request.service, async (service) => {
      const node = nodeOf(request, service)
      await retract(engine, service, node, ids, request.actor, wish)
      return { node, service }
    })
    if (service.kind === 'account') await engine.changed({ owner: service.jid, node, published: [], retracted: ids })
    return undefined
  }

  return new Map<string, RequestHandler>([
    ['publish', onPublish],
    ['retract', onRetract],
  ])
}

/** @throws StanzaError bad-request for a form that is none */
function optionsOf(options: Element | undefined): SubmittedForm | undefined {
  if (!options) return undefined
  const form = submittedForm(options)
  if (form?.type !== 'submit' || form.formType !== NS.pubsubPublishOptions) throw pubsubError('bad-request', 'invalid-options')
  return form
}

/** @throws StanzaError bad-request with invalid-payload */
function draftsOf(publish: Element): DraftItem[] {
  const drafts = childElements(publish).map((item): DraftItem => {
    const payloads = childElements(item)
    const [payload] = payloads
    if (item.getName() !== 'item' || payloads.length > 1) throw pubsubError('bad-request', 'invalid-payload')
    const namespace = payload && namespaceOf(payload)
    return { id: (item.attrs.id as string | undefined) || undefined, payload: payload ? selfContained(payload) : '', namespace }
  })
  const ids = drafts.flatMap((it) => it.id ?? [])
  if (new Set(ids).size < ids.length) throw new StanzaError('bad-request')
  return drafts
}
