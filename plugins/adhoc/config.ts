/** Settings of the adhoc plugin. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  sessionSeconds: Type.Integer({ default: 600, minimum: 10, description: 'How long a command waits for the next form' }),
  maxSessionsPerUser: Type.Integer({
    default: 5,
    minimum: 1,
    description: 'Commands one resource may have begun; the oldest is forgotten for another',
  }),
  maxSessions: Type.Integer({ default: 1000, minimum: 1, description: 'Commands begun by all' }),
})

export type AdhocConfig = Static<typeof config>
