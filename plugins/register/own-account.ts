/** A logged-in user's own account (XEP-0077 §3.1.2, §3.2, §3.3): looked at, given a new password, removed. */
import {
  type ClientSession,
  childElements,
  type Element,
  findChild,
  type Iq,
  type IqHandler,
  isClientSession,
  Jid,
  NS,
  type PluginContext,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { RegisterConfig } from './config.js'
import { checkedPassword, refusal } from './new-account.js'
import { type FieldValues, formElement, optionalValue, readForm } from './registration-form.js'
import { withoutPasswords } from './without-passwords.js'

type Context = Pick<PluginContext<RegisterConfig>, 'accounts' | 'config' | 'domain' | 'log'>

export function ownAccount(context: Context): IqHandler {
  const { accounts, config, log } = context

  async function currentForm(username: string): Promise<Element> {
    const account = await accounts.find(username)
    if (!account) throw new StanzaError('item-not-found')
    // The password is never shown: it is not known, only its keys are.
    return formElement(config, new Map(Object.entries({ username, password: '', name: account.name ?? '', email: account.email ?? '' })))
  }

  async function change(session: ClientSession, query: Element): Promise<void> {
    const values = readForm(query)
    refuseOtherUser(values, session.jid)
    const { local } = session.jid
    if (!config.passwordChange) throw new StanzaError('not-allowed', { text: 'Passwords cannot be changed here.' })
    const password = checkedPassword(values, config)
    const profile = changedProfile(values, config)
    try {
      await accounts.setPassword(local, password)
      if (profile) await accounts.update(local, profile)
    } catch (error) {
      throw refusal(error)
    }
    log.info({ user: session.jid.bare().toString(), remoteAddress: session.remoteAddress }, 'password changed by its user')
  }

  /**
   * The result must be out before the stream ends with not-authorized (§3.2), and nothing more may be done for this
   * session after it: so the answer is given here, on the session that the removal spared, which is closed behind it.
   * Core's own answer then finds the session closed.
   */
  async function remove(session: ClientSession, iq: Iq, query: Element): Promise<void> {
    if (childElements(query).length > 1) throw new StanzaError('bad-request')
    if (!config.accountRemoval) throw new StanzaError('not-allowed', { text: 'Accounts cannot be removed here.' })
    await accounts.remove(session.jid.local, { except: session })
    log.info({ user: session.jid.bare().toString(), remoteAddress: session.remoteAddress }, 'account removed by its user')
    try {
      await session.deliver(iq.result())
    } finally {
      session.close('not-authorized', 'The account was removed.')
    }
  }

  return {
    namespace: NS.register,
    element: 'query',
    handle({ iq, payload, session }) {
      if (!isClientSession(session)) throw new StanzaError('forbidden')
      if (iq.type === 'get') return currentForm(session.jid.local)
      return findChild(payload, 'remove') ? remove(session, iq, payload) : withoutPasswords(iq, () => change(session, payload))
    },
  }
}

/** @throws StanzaError not-allowed when the form names an account that is not the asking user's */
function refuseOtherUser(values: FieldValues, own: Jid): void {
  const username = optionalValue(values, 'username')?.trim()
  if (username === undefined) return
  // Compared as prepared: a client may send the name as its user typed it.
  const named = /[@/]/.test(username) ? undefined : Jid.tryParse(`${username}@${own.domain}`)
  if (!named?.equals(own.bare())) throw new StanzaError('not-allowed', { text: 'You can change your own account only.' })
}

/** Name and e-mail as far as the form brings them; an empty one clears it. */
function changedProfile(values: FieldValues, { fields }: RegisterConfig): { name?: string; email?: string } | undefined {
  const profile: { name?: string; email?: string } = {}
  for (const field of ['name', 'email'] as const) {
    if (fields.includes(field) && values.has(field)) profile[field] = optionalValue(values, field) ?? ''
  }
  return Object.keys(profile).length > 0 ? profile : undefined
}
