/** What an operator can set under `plugins.settings.external-services`: which services there are, and how clients get into them. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

const text = (description: string) => Type.String({ minLength: 1, maxLength: 1023, description })

const service = Type.Object({
  type: text('As registered: stun, turn, stuns, turns, ftp…'),
  host: text('Domain name or IP address'),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  transport: Type.Optional(Type.Enum(['tcp', 'udp'])),
  name: Type.Optional(text('Shown to people')),
  username: Type.Optional(text('The same for everybody; with `password`')),
  password: Type.Optional(text('The same for everybody; with `username`')),
  secret: Type.Optional(text('Shared with the service: each client gets credentials of its own, which expire (TURN REST API)')),
  lifetimeSeconds: Type.Integer({ default: 86_400, minimum: 60, maximum: 31_536_000, description: 'Of credentials made with `secret`' }),
})

export const config = Type.Object({
  services: Type.Array(service, { default: [], maxItems: 100 }),
})

export type ExternalService = Static<typeof service>
