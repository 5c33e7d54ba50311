/** Client state indication (XEP-0352): a client whose user is not looking gets what can wait together with what cannot. */
import { type ClientSession, definePlugin, element, Jid, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { HoldingGate } from './holding-gate.js'

/** Full JID and stream id of each inactive session. */
type Saved = readonly (readonly [jid: string, id: string])[]

const FEATURE = element('csi', { xmlns: NS.csi })

export default definePlugin({
  name: 'csi',
  version: '0.1.0',
  description: 'Client state indication (XEP-0352)',
  config,

  setup({ config, metrics, sessions }) {
    const gates = new Map<ClientSession, HoldingGate>()
    metrics.gauge('inactive_sessions', 'Sessions whose client said that its user is not looking', () => gates.size)

    function deactivate(session: ClientSession): void {
      if (gates.has(session)) return
      const gate = new HoldingGate(session, config, () => activate(session))
      gates.set(session, gate)
      session.gate = gate
    }

    function activate(session: ClientSession): void {
      const gate = gates.get(session)
      if (!gate) return
      gates.delete(session)
      // After a reload it is the next version's.
      if (session.gate === gate) session.gate = undefined
      gate.releaseAll()
    }

    return {
      streamFeatures: [
        {
          when: 'after-authentication',
          element: () => FEATURE,
          elements: [
            { namespace: NS.csi, name: 'active', handle: (_el, session) => activate(session) },
            { namespace: NS.csi, name: 'inactive', handle: (_el, session) => deactivate(session) },
          ],
        },
      ],
      hooks: { sessionClosed: ({ session }) => void gates.delete(session) },
      stop() {
        for (const session of gates.keys()) activate(session)
      },
      save: (): Saved => [...gates.keys()].map(({ jid, id }) => [jid.toString(), id]),
      restore(state) {
        for (const [jid, id] of state as Saved) {
          const session = sessions.get(Jid.parse(jid))
          if (session?.id === id) deactivate(session)
        }
      },
    }
  },
})
