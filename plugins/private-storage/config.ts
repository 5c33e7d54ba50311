/** What an operator can set under `plugins.settings.private-storage`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  maxBytes: Type.Integer({
    default: 65_535,
    minimum: 1024,
    maximum: 65_535,
    description: 'Largest element, in bytes of its XML; the column holds no more',
  }),
  maxElements: Type.Integer({ default: 100, minimum: 1, description: 'Elements that one user may keep' }),
})

export type PrivateStorageConfig = Static<typeof config>
