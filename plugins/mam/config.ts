/** What an operator can set under `plugins.settings.mam`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  default: Type.Enum(['always', 'never', 'roster'], {
    default: 'always',
    description: 'What is archived for those who have said nothing: everything, nothing, or messages of those in their roster',
  }),
  retentionDays: Type.Integer({ default: 0, minimum: 0, description: 'Older messages are deleted from all archives, hourly; 0 keeps them for ever' }),
  pageSize: Type.Integer({ default: 50, minimum: 1, maximum: 1000, description: 'Messages in an answer to a query that does not say how many' }),
  largestPage: Type.Integer({ default: 250, minimum: 1, maximum: 1000, description: 'Messages in an answer at most' }),
})

export type MamConfig = Static<typeof config>
