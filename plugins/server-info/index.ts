/** Contact addresses of the server (XEP-0157), in its answer to service discovery. */
import { definePlugin, type Element, NS, resultForm } from '@beaconfire/plugin-sdk'
import { config, type ServerInfoConfig } from './config.js'

export default definePlugin({
  name: 'server-info',
  version: '0.1.0',
  description: 'Contact addresses of the server (XEP-0157)',
  config,

  setup({ config }) {
    const form = contactForm(config)
    return {
      discovery: {
        info: ({ target, node }) => (target === 'server' && node === undefined && form ? { forms: [form] } : undefined),
      },
    }
  },
})

/** Undefined where the operator has given no address. */
function contactForm(config: ServerInfoConfig): Element | undefined {
  const fields = Object.entries(config)
    .filter(([, addresses]) => addresses.length > 0)
    .map(([concern, addresses]) => ({ name: `${concern}-addresses`, type: 'list-multi' as const, value: addresses }))
  return fields.length > 0 ? resultForm({ formType: NS.serverInfo, fields }) : undefined
}
