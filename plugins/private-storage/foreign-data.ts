/** Private data is its owner's alone (XEP-0049 §2.3). */
import { type Jid, NS, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'

/** Refused before it is looked for whom it is: the answer must not tell which accounts there are. */
export function foreignData(domain: Jid): PacketInterceptor {
  return {
    name: 'foreign-data',
    band: 'guard',
    when: { stanza: 'iq', type: ['get', 'set'], incoming: true, processed: false },
    interceptPacket({ packet: { to, from }, packet }) {
      if (to?.resource !== '' || to.domain !== domain.domain) return
      if (!from?.bare().equals(to) && packet.hasChild('query', NS.privateStorage)) {
        throw new PacketRejected({ condition: 'forbidden', text: 'Private data is kept by your own account.' })
      }
    },
  }
}
