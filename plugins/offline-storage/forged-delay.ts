/** Takes from what comes in any delay stamp in this server's name, so that such a stamp can be believed on what goes out (XEP-0203 §6). */
import { Element, Jid, NS, type PacketInterceptor } from '@beaconfire/plugin-sdk'

export function forgedDelay(domain: Jid): PacketInterceptor {
  return {
    name: 'forged-delay',
    band: 'transform',
    when: { stanza: 'message', incoming: true, processed: false },
    interceptPacket({ packet, session }) {
      if (session.kind === 'internal' || !(packet.hasChild('delay', NS.delay) || packet.hasChild('x', NS.legacyDelay))) return
      const { element } = packet
      element.children = element.children.filter((it) => !(it instanceof Element && isForged(it, domain)))
    },
  }
}

/** Also in the older form (XEP-0091). Compared as addresses: a client may take `Example.Org` for `example.org`. */
function isForged(child: Element, domain: Jid): boolean {
  if (!child.is('delay', NS.delay) && !child.is('x', NS.legacyDelay)) return false
  return Jid.tryParse(String(child.attrs.from))?.equals(domain) ?? false
}
