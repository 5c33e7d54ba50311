/** Nobody learns from last activity who is there, unless presence would tell (XEP-0012 §8). */
import { type Jid, NS, type PacketInterceptor, PacketRejected, type RosterItem, type RosterService, whenDone } from '@beaconfire/plugin-sdk'

/**
 * Refuses requests to accounts and to their resources alike, before it is looked for whether there is such a one: the answer to a
 * stranger is the same for all (§3, §4).
 */
export function presenceLeaks(domain: Jid, roster: Pick<RosterService, 'item'>): PacketInterceptor {
  return {
    name: 'presence-leaks',
    band: 'guard',
    when: { stanza: 'iq', type: 'get', incoming: true, processed: false },
    onError: 'closed',
    interceptPacket({ packet: { to, from }, packet }) {
      if (!to || to.local === '' || to.domain !== domain.domain || !packet.hasChild('query', NS.lastActivity)) return
      if (!from) throw forbidden()
      if (!from.bare().equals(to.bare())) return whenDone(roster.item(to.bare(), from), assertMaySee)
    },
  }
}

function assertMaySee(item: RosterItem | undefined): void {
  if (item?.subscription !== 'from' && item?.subscription !== 'both') throw forbidden()
}

function forbidden(): PacketRejected {
  return new PacketRejected({ condition: 'forbidden' })
}
