/** What an operator writes under `plugins.settings.rate-limiter`. */
import { type StanzaKind, type Static, Type } from '@beaconfire/plugin-sdk'

const bucket = (burst: number, perSecond: number, what: string) =>
  Type.Object(
    {
      burst: Type.Integer({ default: burst, minimum: 1, maximum: 1_000_000, description: `${what} that may come at once` }),
      perSecond: Type.Number({ default: perSecond, minimum: 0.001, maximum: 1_000_000, description: `${what} per second in the long run` }),
    },
    { default: {}, additionalProperties: false },
  )

export const config = Type.Object({
  message: bucket(30, 3, 'messages'),
  presence: bucket(20, 1, 'presences'),
  iq: bucket(100, 10, 'requests'),
  exemptAdmins: Type.Boolean({ default: true, description: 'administrators are not limited' }),
  maxUsers: Type.Integer({
    default: 20_000,
    minimum: 1,
    maximum: 1_000_000,
    description: 'accounts remembered at most; the one longest silent goes',
  }),
  text: Type.String({
    default: 'You are sending too fast. Wait a moment, then try again.',
    description: 'what the sender of a refused stanza is told',
  }),
})

export type LimiterConfig = Static<typeof config>
export type Limits = Readonly<Record<StanzaKind, { readonly burst: number; readonly perSecond: number }>>
