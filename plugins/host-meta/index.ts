/** Tells clients in browsers where else than on a TCP port this server is reached (XEP-0156): host-meta as XRD and as JSON (RFC 6415). */
import { Readable } from 'node:stream'
import { adminRoute, definePlugin, element, Type } from '@beaconfire/plugin-sdk'
import { config, type HostMetaConfig } from './config.js'

const XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0'

interface Link {
  readonly rel: string
  readonly href: string
}

export default definePlugin({
  name: 'host-meta',
  version: '0.1.0',
  description: 'Discovery of WebSocket and BOSH addresses (XEP-0156)',
  config,

  setup({ config }) {
    const links = linksOf(config)
    const xrd = `<?xml version='1.0' encoding='utf-8'?>\n${element('XRD', { xmlns: XRD }, ...links.map(({ rel, href }) => element('Link', { rel, href })))}\n`
    return {
      adminRoutes: [
        adminRoute({
          method: 'GET',
          path: '/host-meta',
          wellKnown: true,
          summary: 'Other ways to connect, as XRD (XEP-0156)',
          handle: () => ({ contentType: 'application/xrd+xml; charset=utf-8', stream: Readable.from([xrd]) }),
        }),
        adminRoute({
          method: 'GET',
          path: '/host-meta.json',
          wellKnown: true,
          summary: 'Other ways to connect, as JSON (XEP-0156)',
          response: Type.Object({ links: Type.Array(Type.Object({ rel: Type.String(), href: Type.String() })) }),
          handle: () => ({ links }),
        }),
      ],
    }
  },
})

function linksOf({ bosh, websocket }: HostMetaConfig): readonly Link[] {
  return [
    ...bosh.map((href) => ({ rel: 'urn:xmpp:alt-connections:xbosh', href })),
    ...websocket.map((href) => ({ rel: 'urn:xmpp:alt-connections:websocket', href })),
  ]
}
