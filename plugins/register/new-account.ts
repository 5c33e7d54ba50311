/** Registration before login (XEP-0077 §3.1): a form is asked for, filled in, and becomes an account. */
import {
  AccountConflict,
  type Element,
  findChild,
  Jid,
  JidError,
  NS,
  PasswordRefused,
  type PluginContext,
  type PreAuthIqHandler,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { RegisterConfig } from './config.js'
import { type FieldValues, formElement, optionalValue, readForm, requiredValue } from './registration-form.js'
import { RegistrationLimit } from './registration-limit.js'
import { withoutPasswords } from './without-passwords.js'

type Context = Pick<PluginContext<RegisterConfig>, 'accounts' | 'config' | 'domain' | 'limitsEnabled' | 'log' | 'registered'>

export function newAccount(context: Context): PreAuthIqHandler {
  const { config, log } = context
  const limit = new RegistrationLimit(context.limitsEnabled ? config.perAddressPerHour : 0)

  async function register(form: Element, remoteAddress: string): Promise<void> {
    const values = readForm(form)
    const user = requestedJid(values, context.domain)
    const account = { username: user.local, password: checkedPassword(values, config), ...knownFields(values, config) }
    if (!limit.take(remoteAddress)) {
      log.warn({ remoteAddress }, 'registration refused: too many from this address')
      throw new StanzaError('resource-constraint', { text: 'Too many registrations from your address. Try again in an hour.' })
    }
    try {
      await context.accounts.create(account)
    } catch (error) {
      throw refusal(error)
    }
    log.info({ user: user.toString(), remoteAddress }, 'account registered')
    await context.registered({ user, form, remoteAddress })
  }

  return {
    namespace: NS.register,
    handle({ iq, payload, session }) {
      if (!config.enabled || payload.getName() !== 'query') throw new StanzaError('service-unavailable')
      if (iq.type === 'get') return formElement(config)
      if (findChild(payload, 'remove')) throw new StanzaError('registration-required', { text: 'Log in to remove your account.' })
      return withoutPasswords(iq, () => register(payload, session.remoteAddress))
    },
  }
}

/** @throws StanzaError not-acceptable for an empty username, jid-malformed for one that is no localpart */
function requestedJid(values: FieldValues, domain: Jid): Jid {
  try {
    return Jid.of(requiredValue(values, 'username').trim(), domain.domain)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', { text: error.message })
    throw error
  }
}

/** @throws StanzaError not-acceptable */
export function checkedPassword(values: FieldValues, { minPasswordLength }: Pick<RegisterConfig, 'minPasswordLength'>): string {
  const password = requiredValue(values, 'password')
  if (Array.from(password).length < minPasswordLength) {
    throw new StanzaError('not-acceptable', { text: `The password needs at least ${minPasswordLength} characters.` })
  }
  return password
}

/** Name and e-mail, which the account keeps; all required fields are checked. @throws StanzaError not-acceptable */
function knownFields(values: FieldValues, { fields, requiredFields }: RegisterConfig): { name?: string | undefined; email?: string | undefined } {
  for (const field of requiredFields) requiredValue(values, field)
  return {
    name: fields.includes('name') ? optionalValue(values, 'name') : undefined,
    email: fields.includes('email') ? optionalValue(values, 'email') : undefined,
  }
}

/** What the peer is told of an account that could not be made, or a password that could not be set. */
export function refusal(error: unknown): unknown {
  if (error instanceof AccountConflict) return new StanzaError('conflict', { text: 'This username is taken.' })
  if (error instanceof PasswordRefused) return new StanzaError('not-acceptable', { text: 'This password cannot be used.' })
  if (error instanceof JidError) return new StanzaError('jid-malformed', { text: error.message })
  return error
}
