/** Settings of the privacy plugin. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  maxLists: Type.Integer({ default: 50, minimum: 1, description: 'Privacy lists of one account' }),
  maxItems: Type.Integer({ default: 1000, minimum: 1, description: 'Items of one privacy list, blocked addresses among them' }),
  rememberedAccounts: Type.Integer({ default: 20_000, minimum: 100, description: 'Accounts whose lists are held in memory' }),
})

export type PrivacyConfig = Static<typeof config>
