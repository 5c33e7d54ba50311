/** What of the server itself is in the admin API and in its metrics. */
import type { Jid } from '@beaconfire/plugin-sdk'
import type { AdminServer } from './admin/admin-server.js'
import { auditRoutes } from './admin/audit-routes.js'
import { consoleRoutes } from './admin/console-routes.js'
import { interceptorMetrics } from './admin/interceptor-metrics.js'
import { interceptorsRoutes } from './admin/interceptors-routes.js'
import type { MetricsRegistry } from './admin/metrics.js'
import { pluginsRoutes } from './admin/plugins-routes.js'
import { recorderRoutes } from './admin/recorder-routes.js'
import { serverRoutes } from './admin/server-routes.js'
import { sessionsRoutes } from './admin/sessions-routes.js'
import { shadowRoutes } from './admin/shadow-routes.js'
import { usersRoutes } from './admin/users-routes.js'
import type { AccountStore } from './auth/account-store.js'
import type { SecurityAudit } from './auth/security-audit.js'
import type { ClientConnections } from './client-connections.js'
import type { NamedListener } from './client-listeners.js'
import type { Delivery } from './delivery/delivery.js'
import type { FlightRecorder } from './pipeline/flight-recorder.js'
import type { InterceptorChain } from './pipeline/interceptor-chain.js'
import type { PluginHost } from './plugin-host/plugin-host.js'
import type { ClientSession } from './session/client-session.js'
import type { SessionRegistry } from './session/session-registry.js'
import type { Negotiation } from './stream/negotiation.js'

export interface AdministeredParts {
  readonly accounts: AccountStore
  readonly admin: AdminServer
  readonly audit: SecurityAudit
  readonly chain: InterceptorChain
  readonly clients: ClientConnections
  readonly domain: Jid
  /** Address of the client listeners; all unless given. */
  readonly host: string | undefined
  /** Those that accept, as they come. */
  readonly listeners: readonly NamedListener[]
  readonly plugins: PluginHost
  readonly recorder: FlightRecorder
  readonly sessions: SessionRegistry<ClientSession, Negotiation>
  readonly version: string
}

export function mountAdminRoutes(parts: AdministeredParts): void {
  const { accounts, admin, audit, chain, clients, domain, host, listeners, plugins, recorder, sessions, version } = parts
  const info = () => ({
    version,
    domain: domain.domain,
    sessions: sessions.count,
    connections: clients.count,
    listeners: listeners.map(({ name, listener }) => ({ name, host: host ?? '*', port: listener.port })),
    plugins: plugins.list().filter((it) => it.state === 'running').length,
  })
  for (const routes of [
    usersRoutes(accounts),
    sessionsRoutes(sessions),
    pluginsRoutes(plugins, () => chain.statuses()),
    shadowRoutes(plugins, () => chain.statuses()),
    interceptorsRoutes(chain),
    recorderRoutes(recorder, domain.domain),
    serverRoutes(info),
    auditRoutes(audit),
    consoleRoutes(admin.consolePages),
  ]) {
    admin.addRoutes('core', routes)
  }
}

type MeasuredParts = Pick<AdministeredParts, 'chain' | 'clients' | 'sessions'> & { readonly delivery: Delivery }

export function measureServer(metrics: MetricsRegistry, { chain, clients, delivery, sessions }: MeasuredParts): void {
  const core = metrics.forPlugin('core').metrics
  for (const family of interceptorMetrics(chain)) metrics.family(family)
  core.gauge('sessions', 'Sessions that have bound a resource', () => sessions.count)
  core.gauge('connections', 'Client connections, logged in or not', () => clients.count)
  core.gauge('sessions_waiting', 'Sessions that wait for their client to connect again (XEP-0198)', () => clients.waitingCount)
  core.gauge('stanzas_rejected_outgoing', 'Stanzas an interceptor kept from their recipient', () => delivery.rejected)
}
