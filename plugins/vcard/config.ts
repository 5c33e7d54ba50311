/** What an operator can set under `plugins.settings.vcard`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  maxBytes: Type.Integer({ default: 204_800, minimum: 1024, maximum: 16_777_215, description: 'Largest vCard, in bytes of its XML' }),
  avatarHash: Type.Boolean({ default: true, description: "Put the hash of the vCard's photo into presence (XEP-0153)" }),
})

export type VcardConfig = Static<typeof config>
