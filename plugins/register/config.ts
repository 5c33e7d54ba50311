/** What an operator can set under `plugins.settings.register`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

/** The fields of XEP-0077 §14.1 beyond username and password. */
const OPTIONAL_FIELDS = ['name', 'email', 'nick', 'first', 'last', 'address', 'city', 'state', 'zip', 'phone', 'url', 'date', 'misc', 'text'] as const

const fieldName = Type.Enum(OPTIONAL_FIELDS)

export const config = Type.Object({
  enabled: Type.Boolean({ default: true, openfireProperty: 'register.inband', description: 'Accounts can be made in-band' }),
  passwordChange: Type.Boolean({ default: true, openfireProperty: 'register.password', description: 'A user can change the own password in-band' }),
  accountRemoval: Type.Boolean({ default: true, description: 'A user can remove the own account in-band' }),
  fields: Type.Array(fieldName, {
    default: ['name', 'email'],
    uniqueItems: true,
    description: 'What is asked besides username and password; the account keeps name and email, the rest goes to plugins',
  }),
  requiredFields: Type.Array(fieldName, { default: [], uniqueItems: true, description: 'Those of `fields` that must not be empty' }),
  instructions: Type.String({ default: 'Choose a username and password to register with this server.', description: 'Shown by the client' }),
  minPasswordLength: Type.Integer({ default: 1, minimum: 1, maximum: 128, description: 'In characters' }),
  perAddressPerHour: Type.Integer({ default: 20, minimum: 0, description: 'Registrations that one address may try in an hour; 0 sets no limit' }),
})

export type RegisterConfig = Static<typeof config>
