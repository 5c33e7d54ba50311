/** Replies in the admin API, for people who cannot set their own. */
import { type Accounts, AdminError, type AdminRoute, adminRoute, isXmlText, Jid, Type } from '@beaconfire/plugin-sdk'
import type { ReplyConfig } from './config.js'
import type { Replies } from './replies.js'
import type { Reply } from './reply-store.js'

const answered = Type.Object({ username: Type.String(), text: Type.String(), setAt: Type.String({ format: 'date-time' }) })
const ofUser = Type.Object({ username: Type.String({ minLength: 1, maxLength: 1023 }) })

export interface RouteCollaborators {
  readonly replies: Replies
  readonly accounts: Pick<Accounts, 'exists'>
  readonly config: Pick<ReplyConfig, 'longestText'>
  readonly domain: Jid
}

export function adminRoutes({ replies, accounts, config, domain }: RouteCollaborators): AdminRoute[] {
  /** As accounts are named; undefined for what can be no account's name. */
  const prepared = (username: string) => Jid.tryParse(`${username}@${domain}`)?.local
  return [
    adminRoute({
      method: 'GET',
      path: '/replies/:username',
      summary: 'The reply of an account',
      params: ofUser,
      response: answered,
      handle({ params }) {
        const reply = replies.of(prepared(params.username) ?? '')
        if (!reply) throw missing()
        return shown(reply)
      },
    }),
    adminRoute({
      method: 'PUT',
      path: '/replies/:username',
      summary: 'Sets the reply of an account',
      params: ofUser,
      body: Type.Object({ text: Type.String({ minLength: 1, maxLength: config.longestText }) }),
      response: answered,
      async handle({ params, body }) {
        const username = prepared(params.username)
        if (username === undefined || !(await accounts.exists(username))) throw new AdminError(404, 'user-not-found', 'there is no such account')
        if (!isXmlText(body.text)) throw new AdminError(422, 'text-refused', 'the text holds a character that XML does not allow', 'body.text')
        return shown(await replies.set(username, body.text))
      },
    }),
    adminRoute({
      method: 'DELETE',
      path: '/replies/:username',
      summary: 'Removes the reply of an account',
      params: ofUser,
      async handle({ params }) {
        if (!(await replies.remove(prepared(params.username) ?? ''))) throw missing()
      },
    }),
  ]
}

function shown({ username, text, setAt }: Reply) {
  return { username, text, setAt: new Date(Number(setAt)).toISOString() }
}

function missing(): AdminError {
  return new AdminError(404, 'reply-not-found', 'this account has no reply')
}
