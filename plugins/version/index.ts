/** Software version (XEP-0092): what runs here, with the operating system only where the operator wants it told. */
import { arch, platform } from 'node:os'
import { definePlugin, element, Type } from '@beaconfire/plugin-sdk'

const VERSION = 'jabber:iq:version'

export default definePlugin({
  name: 'version',
  version: '0.1.0',
  description: 'Software version (XEP-0092)',
  config: Type.Object({
    showSystem: Type.Boolean({ default: false, description: 'tell the operating system too (XEP-0092 section 4 advises against it)' }),
  }),

  setup({ config }) {
    return {
      features: [VERSION],
      iqHandlers: [
        {
          namespace: VERSION,
          element: 'query',
          type: 'get',
          targets: ['server'],
          handle: () =>
            element(
              'query',
              { xmlns: VERSION },
              element('name', {}, 'Beaconfire'),
              element('version', {}, '0.1.0'),
              config.showSystem && element('os', {}, `${platform()} ${arch()}`),
            ),
        },
      ],
    }
  },
})
