/** Takes from what comes in any id in the name of this server or of an account here (XEP-0359 §3, rule 2). */
import { Element, Jid, NS, type PacketInterceptor } from '@beaconfire/plugin-sdk'

export function forgedIds(domain: Jid): PacketInterceptor {
  return {
    name: 'forged-ids',
    band: 'transform',
    when: { stanza: 'message', incoming: true, processed: false },
    interceptPacket({ packet, session }) {
      if (session.kind === 'internal' || !packet.hasChild('stanza-id', NS.stanzaIds)) return
      const { element } = packet
      element.children = element.children.filter((it) => !(it instanceof Element && isForged(it, domain)))
    },
  }
}

/** Compared as addresses: a client may take `Juliet@Test` for `juliet@test`. */
function isForged(child: Element, domain: Jid): boolean {
  return child.is('stanza-id', NS.stanzaIds) && Jid.tryParse(String(child.attrs.by))?.domain === domain.domain
}
