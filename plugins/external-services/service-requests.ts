/** Requests for services and for credentials at them (XEP-0215 §3). */
import {
  type ClientSession,
  childElements,
  type Element,
  element,
  type IqHandler,
  type IqRequest,
  isClientSession,
  NS,
  namespaceOf,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { ExternalService } from './config.js'
import { credentialsFor } from './credentials.js'

export function serviceRequests(services: readonly ExternalService[]): IqHandler[] {
  const common = { namespace: NS.externalServices, type: 'get', targets: ['server'] } as const
  return [
    {
      ...common,
      element: 'services',
      handle(request) {
        const { local } = ownClient(request).jid
        const { type } = request.payload.attrs
        const wanted = services.filter((it) => type === undefined || it.type === type)
        return element('services', { xmlns: NS.externalServices, type }, ...wanted.map((it) => serviceElement(it, local)))
      },
    },
    {
      ...common,
      element: 'credentials',
      handle(request) {
        const { local } = ownClient(request).jid
        const { host, type, port } = askedFor(request.payload)
        const matching = services.filter((it) => it.host === host && it.type === type && (port === undefined || it.port === port))
        const restricted = matching.filter((it) => credentialsFor(it, local, Date.now()) !== undefined)
        if (restricted.length === 0) throw new StanzaError('item-not-found')
        return element('credentials', { xmlns: NS.externalServices }, ...restricted.map((it) => serviceElement(it, local)))
      },
    },
  ]
}

function serviceElement(service: ExternalService, user: string): Element {
  const { type, host, port, transport, name } = service
  const credentials = credentialsFor(service, user, Date.now())
  return element('service', {
    type,
    host,
    port,
    transport,
    name,
    restricted: credentials && '1',
    username: credentials?.username,
    password: credentials?.password,
    expires: credentials?.expires?.toISOString(),
  })
}

/** @throws StanzaError bad-request */
function askedFor(credentials: Element): { readonly host: string; readonly type: string; readonly port: number | undefined } {
  const [service, ...others] = childElements(credentials).filter((it) => it.getName() === 'service' && namespaceOf(it) === NS.externalServices)
  if (!service || others.length > 0) throw new StanzaError('bad-request', { text: 'Ask for one service.' })
  const { host, type, port } = service.attrs as Record<string, string | undefined>
  if (!host || !type) throw new StanzaError('bad-request', { text: 'A service has a host and a type.' })
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new StanzaError('bad-request', { text: 'A port is a number.' })
  return { host, type, port: port === undefined ? undefined : Number(port) }
}

/** Credentials are for users of this server. @throws StanzaError forbidden */
function ownClient({ session }: IqRequest): ClientSession {
  if (isClientSession(session)) return session
  throw new StanzaError('forbidden')
}
