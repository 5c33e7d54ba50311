/** What an operator writes under `plugins.settings.stanza-audit`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  kinds: Type.Array(Type.Enum(['message', 'presence', 'iq']), { default: ['message', 'presence', 'iq'], minItems: 1 }),
  outgoing: Type.Boolean({ default: false, description: 'each copy that was handed to a recipient is a row, too' }),
  bodies: Type.Boolean({ default: true, description: 'false: of bodies and subjects only the length is kept' }),
  holdAcknowledgement: Type.Boolean({ default: true, description: 'a stanza is acknowledged to its sender once its row is on disk' }),
  retentionDays: Type.Integer({ default: 30, minimum: 0, maximum: 36_500, description: 'older rows are deleted; 0: never' }),
  maxRows: Type.Integer({ default: 0, minimum: 0, description: 'the oldest beyond so many are deleted, once in an hour; 0: as many as come' }),
})

export type AuditConfig = Static<typeof config>
