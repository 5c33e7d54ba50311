/** What an operator can set under `plugins.settings.iq-auth`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  enabled: Type.Boolean({ default: false, description: 'Clients may log in by jabber:iq:auth, which SASL has replaced' }),
  withoutTls: Type.Boolean({ default: false, description: 'Also on connections in clear, where anybody on the way can read or replay the login' }),
  password: Type.Boolean({ default: true, description: 'By the password itself' }),
  digest: Type.Boolean({
    default: true,
    description: 'By a digest of stream id and password, where passwords are kept readable (c2s.readablePasswords, or an imported database)',
  }),
})

export type IqAuthConfig = Static<typeof config>
