/** Message processing hints (XEP-0334): says that hints are obeyed. Each plugin that stores or copies messages obeys those that concern it. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'

export default definePlugin({
  name: 'message-hints',
  version: '0.1.0',
  description: 'Message processing hints (XEP-0334)',

  setup: () => ({ features: [NS.hints] }),
})
