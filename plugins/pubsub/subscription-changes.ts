/** Subscribing and its end (XEP-0060 §6.1, §6.2, §8.8), as changes of a service. */
import { element, type Jid, message, NS, parseElement, StanzaError } from '@beaconfire/plugin-sdk'
import { subscriptionsBy } from './access.js'
import { type Engine, LONGEST_JID } from './engine.js'
import { dataForm, formField } from './forms.js'
import { isExpired, type Node, type Subscription, type SubscriptionState } from './node.js'
import { newId } from './notifications.js'
import { pubsubError, unsupported } from './pubsub-errors.js'
import type { PubsubService } from './services.js'

/**
 * @returns the subscription, new or as it was (§6.1.6)
 * @throws StanzaError of §6.1.3
 */
export async function subscribe(engine: Engine, service: PubsubService, node: Node, jid: Jid): Promise<Subscription> {
  const { access, config } = engine
  if (!node.config.subscriptionsAllowed && access.affiliation(service, node, jid) !== 'owner') throw unsupported('subscribe')
  const known = node.subscriptions.get(jid.toString())
  if (known?.state === 'pending') throw pubsubError('not-authorized', 'pending-subscription')
  const refusal = await access.refusal(service, node, jid)
  const asksOwner = refusal && node.config.accessModel === 'authorize' && refusal.condition === 'not-authorized'
  if (refusal && !asksOwner) throw refusal
  if (known) return known
  if (node.subscriptions.size >= config.maxSubscriptions || jid.toString().length > LONGEST_JID) {
    throw pubsubError('policy-violation', 'too-many-subscriptions', { type: 'wait' })
  }
  const subscription = await save(engine, service, node, { id: newId(), jid, state: asksOwner ? 'pending' : 'subscribed' })
  if (asksOwner) await askOwners(engine, service, node, subscription)
  return subscription
}

/** Sends the last item to a new subscriber, after the answer to its request (§6.1.7). */
export function sendLastOnSubscription(engine: Engine, service: PubsubService, node: Node, { jid, state }: Subscription): void {
  if (state !== 'subscribed' || node.config.sendLast === 'never' || !node.config.persistItems || !node.config.deliverNotifications) return
  engine.timers.after(0, async () => {
    const item = node.lastItem === undefined ? await engine.store.newest(service.id, node.id) : node.lastItem
    if (item && !isExpired(item, node.config) && node.subscriptions.has(jid.toString())) await engine.notifications.lastTo(service, node, item, jid)
  })
}

/** @param subid where the subscriber named one @throws StanzaError of §6.2.3 */
export async function unsubscribe(engine: Engine, service: PubsubService, node: Node, jid: Jid, subid: string | undefined): Promise<Subscription> {
  const known = node.subscriptions.get(jid.toString())
  if (!known) throw pubsubError('unexpected-request', 'not-subscribed', { type: 'cancel' })
  if (subid !== undefined && subid !== known.id) throw pubsubError('not-acceptable', 'invalid-subid')
  await remove(engine, service, node, known)
  return known
}

/** An owner says who is subscribed (§8.8.2); the subscriber is told. */
export async function setSubscription(
  engine: Engine,
  service: PubsubService,
  node: Node,
  jid: Jid,
  state: SubscriptionState | 'none',
): Promise<void> {
  const known = node.subscriptions.get(jid.toString())
  if (state === (known?.state ?? 'none')) return
  if (state === 'none') {
    if (known) await remove(engine, service, node, known)
  } else {
    if (!known && node.subscriptions.size >= engine.config.maxSubscriptions) {
      throw pubsubError('policy-violation', 'too-many-subscriptions', { type: 'wait' })
    }
    await save(engine, service, node, { id: known?.id ?? newId(), jid, state })
  }
  await engine.notifications.subscriptionChanged(service, node, jid, state)
}

/** Who has lost access is no subscriber any more (XEP-0163 §7.3). @param who all unless given */
export async function dropSubscriptionsWithoutAccess(engine: Engine, service: PubsubService, node: Node, who?: Jid): Promise<void> {
  for (const subscription of who ? subscriptionsBy(node, who) : [...node.subscriptions.values()]) {
    if (subscription.state !== 'subscribed' || !(await engine.access.refusal(service, node, subscription.jid))) continue
    await remove(engine, service, node, subscription)
    await engine.notifications.subscriptionChanged(service, node, subscription.jid, 'none')
  }
}

async function save(engine: Engine, service: PubsubService, node: Node, subscription: Subscription): Promise<Subscription> {
  await engine.store.saveSubscription(service.id, node.id, subscription)
  node.subscriptions.set(subscription.jid.toString(), subscription)
  return subscription
}

async function remove(engine: Engine, service: PubsubService, node: Node, { id, jid }: Subscription): Promise<void> {
  await engine.store.removeSubscription(service.id, node.id, id)
  node.subscriptions.delete(jid.toString())
}

/** §8.6: each owner gets a form to allow it, or not. */
async function askOwners(engine: Engine, service: PubsubService, node: Node, { id, jid }: Subscription): Promise<void> {
  const form = dataForm('form', NS.pubsubSubscribeAuthorization, [
    formField('pubsub#subid', 'hidden', [id]),
    formField('pubsub#node', 'text-single', [node.id], { label: 'Node' }),
    formField('pubsub#subscriber_jid', 'jid-single', [jid.toString()], { label: 'Who wants to subscribe' }),
    formField('pubsub#allow', 'boolean', ['false'], { label: 'Allow it?' }),
  ])
  form.children.unshift(element('title', {}, 'Subscription request'))
  for (const [owner, affiliation] of node.affiliations) {
    if (affiliation === 'owner') await engine.notifications.route(message({ from: service.jid, to: owner, id }, parseElement(form.toString())))
  }
}

/** What an owner answered to the form (§8.6). @throws StanzaError forbidden, item-not-found */
export async function decide(engine: Engine, service: PubsubService, node: Node, owner: Jid, jid: Jid, allowed: boolean): Promise<void> {
  engine.access.assertOwner(service, node, owner)
  if (node.subscriptions.get(jid.toString())?.state !== 'pending') throw new StanzaError('item-not-found')
  await setSubscription(engine, service, node, jid, allowed ? 'subscribed' : 'none')
}
