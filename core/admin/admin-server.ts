/**
 * The admin HTTP listener. Fastify takes no routes once it is ready, so a plain server hands each request to the current
 * application; when routes change a new one is built from all of them, and the old one closed after its last request.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AdminRoute, Logger } from '@beaconfire/plugin-sdk'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './admin-app.js'
import { errorBody } from './admin-errors.js'
import { AdminGate } from './admin-gate.js'
import { AdminToken } from './admin-token.js'
import type { AuditLog } from './audit-trail.js'
import { buildConsole, isOfConsole } from './console-app.js'
import { ConsolePages } from './console-pages.js'
import { hostCheck } from './host-check.js'
import { RequestsInFlight } from './requests-in-flight.js'
import { RouteTable } from './route-table.js'

export interface AdminServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Configured token; without one it is made at the first start. */
  readonly token?: string | undefined
  readonly dataFolder: string
  readonly log: Logger
  readonly audit: AuditLog
  readonly metricsText?: (() => Promise<string>) | undefined
  /** What `/readyz` says; always ready unless given. */
  readonly isReady?: (() => boolean) | undefined
  /** A name that requests may bear in `Host` besides those of loopback, where the listener is bound to loopback. */
  readonly domain?: string | undefined
}

/** How long {@link AdminServer.close} waits for requests in flight. */
const CLOSE_GRACE_MS = 2000
const REQUEST_TIMEOUT_MS = 60_000

const SECURITY_HEADERS = { 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' }

export class AdminServer {
  /** Those of plugins; what is added or removed takes effect at once. */
  readonly consolePages = new ConsolePages()
  readonly #options: AdminServerOptions
  readonly #routes = new RouteTable()
  readonly #server: Server
  readonly #inFlight = new RequestsInFlight()
  readonly #acceptsHost: ((host: string | undefined) => boolean) | undefined
  #gate: AdminGate | undefined
  #firstStartToken: string | undefined
  #mount: Mount | undefined
  #console: Mount | undefined
  /** Routes have changed since the last build began. */
  #isStale = false
  #remounting: Promise<void> | undefined

  constructor(options: AdminServerOptions) {
    this.#options = options
    this.#acceptsHost = hostCheck(options.host, options.domain)
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => this.#receive(request, response))
  }

  /** The token in clear when {@link listen} has just made it: to be shown once. */
  get firstStartToken(): string | undefined {
    return this.#firstStartToken
  }

  /**
   * Mounts routes; those added and removed in one turn of the event loop make one rebuild, before `listen` none.
   * @param owner the plugin, or `core`, whose routes are all top-level
   * @returns the undo, which never fails
   * @throws ContributionConflict naming both owners; TypeError for a path or schema that cannot be used
   */
  addRoutes(owner: string, routes: readonly AdminRoute[]): () => void {
    const remove = this.#routes.add(owner, routes)
    this.#changed()
    return () => {
      remove()
      this.#changed()
    }
  }

  /** Resolves when what is mounted is what was added. Never rejects. */
  async whenMounted(): Promise<void> {
    await this.#remounting
  }

  /** @throws (rejects) when the port is taken, or the stored token cannot be read */
  async listen(): Promise<{ port: number }> {
    const { audit, dataFolder, host, log, port, token } = this.#options
    const stored = await AdminToken.load(token, dataFolder)
    this.#firstStartToken = stored.firstStartToken
    this.#gate = new AdminGate(stored)
    this.#console = new Mount(await buildConsole({ gate: this.#gate, pages: this.consolePages, audit, log }))
    this.#mount = await this.#build(this.#gate)
    if (this.#isStale) this.#changed()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    return { port: (this.#server.address() as AddressInfo).port }
  }

  /** Takes no more requests, and cuts those that have not ended after two seconds. */
  async close(): Promise<void> {
    await this.#remounting
    if (this.#server.listening) {
      const closed = once(this.#server, 'close')
      this.#server.close()
      let timer: NodeJS.Timeout | undefined
      const grace = new Promise((resolve) => void (timer = setTimeout(resolve, CLOSE_GRACE_MS)))
      await Promise.race([this.#inFlight.whenNone(), grace])
      clearTimeout(timer)
      this.#server.closeAllConnections() // also those that browsers open ahead and have asked nothing yet
      await closed
    }
    await Promise.all([this.#mount?.retire(), this.#console?.retire()])
    this.#mount = this.#console = undefined
  }

  #changed(): void {
    this.#isStale = true
    const gate = this.#gate
    if (!this.#mount || !gate) return
    this.#remounting ??= this.#remount(gate)
      .catch((error: unknown) => this.#options.log.error({ error }, 'the admin routes could not be rebuilt; those mounted before serve on'))
      .finally(() => {
        this.#remounting = undefined
        if (this.#isStale && this.#mount) this.#changed() // something changed while this promise settled
      })
  }

  async #remount(gate: AdminGate): Promise<void> {
    await new Promise(setImmediate) // let the rest of a plugin's, or of several plugins', changes come in
    while (this.#isStale) {
      const old = this.#mount
      this.#mount = await this.#build(gate)
      void old?.retire().catch((error: unknown) => this.#options.log.error({ error }, 'an old set of admin routes could not be closed'))
    }
  }

  async #build(gate: AdminGate): Promise<Mount> {
    const { audit, log, metricsText, isReady = () => true } = this.#options
    const startedAt = performance.now()
    this.#isStale = false
    const { routes } = this.#routes
    const app = await buildApp(routes, { gate, audit, log, metricsText, isReady })
    log.debug({ routes: routes.length, ms: Math.round(performance.now() - startedAt) }, 'admin routes mounted')
    return new Mount(app)
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight.add(response)
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
    if (this.#acceptsHost && !this.#acceptsHost(request.headers.host)) refuse(response, 421, 'misdirected', 'this host is not served here')
    else this.#dispatch(request, response)
  }

  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    if (this.#console && isOfConsole(request.url ?? '')) this.#console.serve(request, response)
    // A request waits out a rebuild, some milliseconds, so that it never meets the routes of a plugin already stopped.
    else if (this.#remounting) void this.#remounting.then(() => this.#dispatch(request, response))
    else if (response.destroyed)
      return // the client left meanwhile
    else if (this.#mount) this.#mount.serve(request, response)
    else refuse(response, 503, 'closing', 'the server is closing')
  }
}

/** An application and its requests in flight. */
class Mount {
  readonly #app: FastifyInstance
  readonly #inFlight = new RequestsInFlight()

  constructor(app: FastifyInstance) {
    this.#app = app
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight.add(response)
    this.#app.routing(request, response)
  }

  /** Closes the application once its last request has ended. */
  async retire(): Promise<void> {
    await this.#inFlight.whenNone()
    await this.#app.close()
  }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
  response.end(JSON.stringify(errorBody(status, code, message)))
}
