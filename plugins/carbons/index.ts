/** Message carbons (XEP-0280): all of a user's clients see both sides of every conversation. */
import { definePlugin, type IqRequest, isClientSession, Jid, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { Carbons } from './carbons.js'

/** Full JID and stream id of each session that wants copies. */
type Saved = readonly (readonly [jid: string, id: string])[]

export default definePlugin({
  name: 'carbons',
  version: '0.1.0',
  description: 'Message carbons (XEP-0280)',

  setup({ domain, sessions }) {
    const carbons = new Carbons(sessions, domain)
    const common = { namespace: NS.carbons, type: 'set' } as const
    return {
      features: [NS.carbons, NS.carbonsRules],
      interceptors: carbons.interceptors(),
      iqHandlers: [
        { ...common, element: 'enable', handle: (request) => carbons.enable(ownClient(request)) },
        { ...common, element: 'disable', handle: (request) => carbons.disable(ownClient(request)) },
      ],
      hooks: { sessionClosed: ({ session }) => carbons.disable(session) },
      save: (): Saved => [...carbons.enabled()].map(({ jid, id }) => [jid.toString(), id]),
      restore(state) {
        for (const [jid, id] of state as Saved) {
          const session = sessions.get(Jid.parse(jid))
          if (session?.id === id) carbons.enable(session)
        }
      },
    }
  },
})

/** @throws StanzaError not-allowed for who has no session here (XEP-0280 §4.1, §5.1) */
function ownClient({ session }: IqRequest) {
  if (isClientSession(session)) return session
  throw new StanzaError('not-allowed')
}
