/** Settings of the search plugin. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  enabled: Type.Boolean({ default: true, description: 'false: there is no directory' }),
  subdomain: Type.String({ default: 'search', minLength: 1, description: 'Where the directory is, before the domain of the server' }),
  email: Type.Enum(['all', 'contacts', 'none'], {
    default: 'contacts',
    description: 'Whose e-mail is shown, and looked in: of all, of those whose presence the asker may see, of nobody. Administrators see all',
  }),
  listAll: Type.Boolean({ default: false, description: 'A search for * lists accounts without looking for anything' }),
  maxResults: Type.Integer({ default: 200, minimum: 1, maximum: 1000, description: 'Accounts that one search finds at most, on all its pages' }),
})

export type SearchConfig = Static<typeof config>
