/** Settings of the roster plugin: limits on what one account can fill (RFC 6121 §2.3.3). */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  maxItems: Type.Integer({ default: 5000, minimum: 1, description: 'Contacts in one roster; more are refused with resource-constraint.' }),
  maxPendingRequests: Type.Integer({
    default: 1000,
    minimum: 1,
    description: 'Unanswered subscription requests of strangers kept for one account; more are refused with resource-constraint.',
  }),
  maxNameLength: Type.Integer({ default: 255, minimum: 1, maximum: 255, description: 'Characters of the name a user gives a contact.' }),
  maxGroupLength: Type.Integer({ default: 255, minimum: 1, maximum: 255, description: 'Characters of the name of a group.' }),
  maxGroupsPerItem: Type.Integer({ default: 50, minimum: 1, maximum: 127, description: 'Groups that one contact can be in.' }),
  rememberedRosters: Type.Integer({ default: 1000, minimum: 0, description: 'Rosters kept in memory for accounts that have no session.' }),
})

export type RosterConfig = Static<typeof config>
