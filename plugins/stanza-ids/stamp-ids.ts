/** Asks for the ids of a message, and puts the recipient's into what the recipient's resources get. */
import { randomUUID } from 'node:crypto'
import {
  areStanzaIdsOffered,
  type Crossing,
  isPromise,
  type MaybePromise,
  offerStanzaIds,
  type PacketInterceptor,
  type StanzaIdGiver,
  stampStanzaId,
  takeStanzaId,
} from '@beaconfire/plugin-sdk'

/** Where there is no archive, an id is good for telling a repeat. */
const NO_ARCHIVE: StanzaIdGiver = { idFor: () => randomUUID() }

/** In ms: an archive that has to wait for its database is back pressure, and no fault of this plugin. */
const BUDGET_MS = 60_000

/** In band `observe`: what is filed under the id is the message as those who rewrite have left it. */
export function stampIds(): PacketInterceptor[] {
  const common = { band: 'observe', budget: BUDGET_MS } as const
  const when = { stanza: 'message', type: ['chat', 'normal', 'headline'], processed: false } as const
  return [
    { ...common, name: 'sender', when: { ...when, incoming: true }, interceptPacket: atSender },
    { ...common, name: 'recipient', when: { ...when, incoming: false }, interceptPacket: atRecipient },
  ]
}

/** The sender's id is not written into the message, which others get: copies to the sender's other resources have it. */
function atSender(crossing: Crossing): MaybePromise<void> {
  const { packet, routed, session } = crossing
  if (packet.kind !== 'message') return
  if (!areStanzaIdsOffered(routed)) return offerStanzaIds(routed, NO_ARCHIVE) // nothing is filed: the sender's id is for whoever asks
  if (session.kind !== 'client') return
  const id = takeStanzaId(packet, routed, session.jid.bare(), crossing)
  if (isPromise(id)) return id.then(() => {})
}

function atRecipient(crossing: Crossing): MaybePromise<void> {
  const { packet, routed, session } = crossing
  if (packet.kind !== 'message' || session.kind !== 'client') return
  const account = session.jid.bare()
  const id = takeStanzaId(packet, routed, account, crossing)
  if (isPromise(id)) return id.then((given) => void (given !== undefined && stampStanzaId(packet, account, given)))
  if (id !== undefined) stampStanzaId(packet, account, id)
}
