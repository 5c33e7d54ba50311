/** What an operator can set under `plugins.settings.pubsub`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  subdomain: Type.String({ default: 'pubsub', description: 'The service answers here, before the domain of the server; empty for none' }),
  autoCreate: Type.Boolean({ default: false, description: 'Publishing to a node of the service that does not exist creates it' }),
  maxNodes: Type.Integer({ default: 1000, minimum: 1, maximum: 100_000, description: 'Nodes of the service' }),
  maxNodesPerAccount: Type.Integer({ default: 200, minimum: 1, maximum: 10_000, description: 'Nodes of one account' }),
  maxItems: Type.Integer({ default: 2000, minimum: 1, maximum: 1_000_000, description: "Items of one node, also where it says 'max'" }),
  maxPayloadBytes: Type.Integer({ default: 262_144, minimum: 1024, maximum: 16_777_215, description: 'Largest payload, in bytes of its XML' }),
  maxSubscriptions: Type.Integer({ default: 5000, minimum: 1, description: 'Subscriptions and affiliations of one node, each' }),
  pageItems: Type.Integer({ default: 500, minimum: 1, description: 'Items in one answer; the others are asked for by page (XEP-0059)' }),
  rememberedAccounts: Type.Integer({ default: 10_000, minimum: 100, description: 'Accounts whose nodes are kept in memory' }),
})

export type PubsubConfig = Static<typeof config>
