/** What an operator writes under `plugins.settings.auto-reply`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  periodHours: Type.Number({ default: 24, minimum: 0.001, maximum: 8760, description: 'a sender gets one reply in so many hours' }),
  contactsOnly: Type.Boolean({ default: true, description: 'only those who may see the presence of the account are told that it is away' }),
  onlyWhenAway: Type.Boolean({ default: true, description: 'no reply while a resource of the account is available and not away' }),
  longestText: Type.Integer({ default: 1000, minimum: 1, maximum: 10_000, description: 'characters of a reply' }),
  ignored: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'bare JIDs and domains that are never answered, such as bots' }),
  refreshSeconds: Type.Integer({
    default: 30,
    minimum: 0,
    maximum: 3600,
    description: 'how often replies are read again, for other nodes; 0: at start only',
  }),
})

export type ReplyConfig = Static<typeof config>
