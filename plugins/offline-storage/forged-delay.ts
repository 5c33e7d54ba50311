/** Takes from what comes in any delay stamp in this server's name, so that such a stamp can be believed on what goes out. */
import { type Jid, NS, type PacketInterceptor } from '@beaconfire/plugin-sdk'

export function forgedDelay(domain: Jid): PacketInterceptor {
  const own = domain.toString()
  return {
    name: 'forged-delay',
    band: 'transform',
    when: { stanza: 'message', incoming: true, processed: false },
    interceptPacket({ packet, session }) {
      if (session.kind === 'internal' || !packet.hasChild('delay', NS.delay)) return
      const { element } = packet
      element.children = element.children.filter((it) => typeof it === 'string' || !it.is('delay', NS.delay) || it.attrs.from !== own)
    },
  }
}
