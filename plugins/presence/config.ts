/** Settings of the presence plugin. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  maxDirectedPresences: Type.Integer({
    default: 1000,
    minimum: 1,
    description: 'Addresses that one session may have sent directed presence to; more are refused with resource-constraint.',
  }),
})

export type PresenceConfig = Static<typeof config>
