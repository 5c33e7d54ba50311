/** Nobody writes another's vCard (XEP-0054 §3.2). */
import { type Jid, NS, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'

/** Refused before it is looked for whom it is: the answer must not tell which accounts there are. */
export function foreignVcards(domain: Jid): PacketInterceptor {
  return {
    name: 'foreign-vcards',
    band: 'guard',
    when: { stanza: 'iq', type: 'set', incoming: true, processed: false },
    interceptPacket({ packet: { to, from }, packet }) {
      if (!to || to.local === '' || to.resource !== '' || to.domain !== domain.domain) return
      if (!from?.bare().equals(to) && packet.hasChild('vCard', NS.vcard)) {
        throw new PacketRejected({ condition: 'forbidden', text: "This is another user's vCard." })
      }
    },
  }
}
