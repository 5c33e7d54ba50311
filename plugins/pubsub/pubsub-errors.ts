/** The refusals of XEP-0060, each with the application condition that it names. */
import { element, NS, StanzaError, type StanzaErrorCondition, type StanzaErrorType } from '@beaconfire/plugin-sdk'

export type PubsubCondition =
  | 'closed-node'
  | 'invalid-jid'
  | 'invalid-options'
  | 'invalid-payload'
  | 'invalid-subid'
  | 'item-forbidden'
  | 'item-required'
  | 'jid-required'
  | 'max-items-exceeded'
  | 'max-nodes-exceeded'
  | 'node-full'
  | 'nodeid-required'
  | 'not-in-roster-group'
  | 'not-subscribed'
  | 'payload-too-big'
  | 'payload-required'
  | 'pending-subscription'
  | 'precondition-not-met'
  | 'presence-subscription-required'
  | 'too-many-subscriptions'
  | 'unsupported-access-model'

export function pubsubError(
  condition: StanzaErrorCondition,
  extension: PubsubCondition,
  details: { readonly text?: string; readonly type?: StanzaErrorType } = {},
): StanzaError {
  return new StanzaError(condition, { ...details, extension: element(extension, { xmlns: NS.pubsubErrors }) })
}

/** `feature-not-implemented`, naming the feature of XEP-0060 §10 that is missing. */
export function unsupported(feature: string): StanzaError {
  return new StanzaError('feature-not-implemented', { extension: element('unsupported', { xmlns: NS.pubsubErrors, feature }) })
}

export function nodeIdRequired(): StanzaError {
  return pubsubError('bad-request', 'nodeid-required')
}
