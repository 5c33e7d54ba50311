/** The two requests of XEP-0078 §3: which fields are wanted, and the login with them. */
import {
  type ConnectedSession,
  childElements,
  type Element,
  element,
  NS,
  namespaceOf,
  type PluginContext,
  type PreAuthIqHandler,
  StanzaError,
  type StanzaErrorCondition,
} from '@beaconfire/plugin-sdk'
import type { IqAuthConfig } from './config.js'

/** What sessions are said to have logged in with. */
export const MECHANISM = NS.iqAuth

/** The numbers of XEP-0078 §3. */
const LEGACY_CODES: Partial<Record<StanzaErrorCondition, number>> = { 'not-authorized': 401, 'not-acceptable': 406, conflict: 409 }
const DIGEST = /^[0-9a-f]{40}$/i
/** Of a digest, password, name or resource, in UTF-16 units: no more can be right (RFC 7622, RFC 8265). */
const LONGEST_FIELD = 1023

type Context = Pick<PluginContext<IqAuthConfig>, 'accounts' | 'config' | 'domain' | 'log'>

interface Fields {
  readonly username: string
  readonly resource: string
  readonly password: string | undefined
  readonly digest: string | undefined
}

export function loginRequests(context: Context): PreAuthIqHandler {
  return {
    namespace: NS.iqAuth,
    async handle({ iq, payload, session }) {
      const { enabled, withoutTls } = context.config
      if (!enabled || payload.getName() !== 'query' || !(session.secure || withoutTls)) throw new StanzaError('service-unavailable')
      if (session.hasFailedSasl) {
        // XEP-0078 §3: who has failed by the better way must not try the worse one.
        session.close('policy-violation', 'Go on with SASL.')
        return undefined
      }
      if (iq.type === 'get') return wantedFields(field(payload, 'username'), context)
      try {
        await logIn(readFields(payload), session, context)
      } catch (error) {
        throw error instanceof StanzaError ? withCode(error) : error
      } finally {
        payload.children = [] // an error carries the request, and must not carry the password (XEP-0078 §3)
      }
      return undefined
    },
  }
}

/** The same for every name: whether there is such an account is not told. */
async function wantedFields(username: string | undefined, { accounts, config }: Context): Promise<Element> {
  return element(
    'query',
    { xmlns: NS.iqAuth },
    element('username', {}, username),
    config.password && element('password'),
    config.digest && (await accounts.offersDigest()) && element('digest'),
    element('resource'),
  )
}

/** @throws StanzaError not-authorized, conflict and what else binding throws */
async function logIn(fields: Fields, session: ConnectedSession, { accounts, config, domain }: Context): Promise<void> {
  const { digest, password, resource } = fields
  const username = withoutDomain(fields.username, domain.domain)
  await session.logIn({
    username,
    resource,
    mechanism: MECHANISM,
    verify: async () => {
      if (password !== undefined) return config.password && (await accounts.verifyPassword(username, password))
      return config.digest && digest !== undefined && DIGEST.test(digest) && (await accounts.verifyDigest(username, session.streamId, digest))
    },
  })
}

/** @throws StanzaError not-acceptable when one is missing */
function readFields(query: Element): Fields {
  const [username, resource, password, digest] = ['username', 'resource', 'password', 'digest'].map((name) => field(query, name))
  if (!username || !resource || !(password || digest))
    throw new StanzaError('not-acceptable', { text: 'Username, resource and password or digest are needed.' })
  return { username, resource, password: password || undefined, digest: digest || undefined }
}

/** @throws StanzaError bad-request when it is there twice, holds elements or is too long */
function field(query: Element, name: string): string | undefined {
  const found = childElements(query).filter((it) => it.getName() === name && namespaceOf(it) === NS.iqAuth)
  if (found.length === 0) return undefined
  const [only] = found
  const text = only?.getText() ?? ''
  if (found.length > 1 || (only && childElements(only).length > 0) || text.length > LONGEST_FIELD) throw new StanzaError('bad-request')
  return text
}

/** Devices give their own address for the name. */
function withoutDomain(username: string, domain: string): string {
  return username.toLowerCase().endsWith(`@${domain}`) ? username.slice(0, -domain.length - 1) : username
}

function withCode(error: StanzaError): StanzaError {
  const { condition, type, text, extension } = error
  return new StanzaError(condition, { type, text, extension, legacyCode: LEGACY_CODES[condition] })
}
