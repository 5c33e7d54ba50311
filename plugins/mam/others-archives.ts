/** Nobody reads the archive of another account, nor learns from the refusal whether there is such an account (XEP-0313 §8.1). */
import { type Jid, NS, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'

export function othersArchives(domain: Jid): PacketInterceptor {
  return {
    name: 'others-archives',
    band: 'guard',
    when: { stanza: 'iq', type: ['get', 'set'], incoming: true, processed: false },
    readOnly: true,
    onError: 'closed',
    interceptPacket({ packet: { from, to }, packet }) {
      if (!to || to.local === '' || to.isFull || to.domain !== domain.domain) return
      if (from?.bare().equals(to)) return
      if (packet.childNamespaces().includes(NS.mam)) throw new PacketRejected({ condition: 'forbidden' })
    },
  }
}
