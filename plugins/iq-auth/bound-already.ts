/** Requests to bind by clients that have logged in by `jabber:iq:auth`, which binds: they are told what they have. */
import { element, type IqHandler, isClientSession, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { MECHANISM } from './login-requests.js'

export function boundAlready(): readonly IqHandler[] {
  return [
    {
      namespace: NS.bind,
      element: 'bind',
      type: 'set',
      handle({ session }) {
        if (!isClientSession(session) || session.mechanism !== MECHANISM) {
          throw new StanzaError('not-allowed', { text: 'A resource is bound already.' })
        }
        return element('bind', { xmlns: NS.bind }, element('jid', {}, session.jid.toString()))
      },
    },
  ]
}
