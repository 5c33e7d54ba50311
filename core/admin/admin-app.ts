/** One Fastify application for one set of routes. It never listens: `AdminServer` hands requests to the current one. */
import type { AdminRequest, Logger } from '@beaconfire/plugin-sdk'
import cookie from '@fastify/cookie'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifySchema, type RouteOptions } from 'fastify'
import { errorHandler, notFound } from './admin-errors.js'
import type { AdminGate } from './admin-gate.js'
import { type AuditLog, recordAct } from './audit-trail.js'
import { type RoutePart, validationRefused } from './compiled-schemas.js'
import { API_PREFIX, type MountedRoute, WELL_KNOWN_PREFIX } from './route-table.js'
import { isStreamedReply, sendStream } from './streamed-reply.js'

const BODY_LIMIT = 1024 * 1024
const FILE_TYPES = ['application/octet-stream', 'application/gzip', 'application/x-gzip']
/** How long public documents may be kept by who has fetched them. */
const PUBLIC_SECONDS = 300
/** Stands for the gate where there is none. */
const NOBODY: Pick<AdminGate, 'administratorOf'> = { administratorOf: () => '' }
/** Long enough for a full JID, percent-encoded. */
const LONGEST_PARAMETER = 3 * 3 * 1023 + 6

export interface AppCollaborators {
  readonly gate: AdminGate
  readonly audit: AuditLog
  readonly log: Logger
  readonly metricsText: (() => Promise<string>) | undefined
  readonly isReady: () => boolean
}

export async function buildApp(routes: readonly MountedRoute[], collaborators: AppCollaborators): Promise<FastifyInstance> {
  const onError = errorHandler(collaborators.log)
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    // An address that cannot be decoded reaches no route, and so no error handler.
    frameworkErrors: (error, request, reply) => void onError(error, request, reply),
  })
  app.setErrorHandler(onError)
  app.setNotFoundHandler(notFound)
  acceptJsonOnly(app)
  app.register(cookie)
  await app.register(swagger, { openapi: openApiOf(routes) })
  await app.register(swaggerUi, { routePrefix: '/api/docs', staticCSP: true, transformStaticCSP: withoutForcedTls })
  app.register(async (scope) => probes(scope, collaborators))
  app.register(async (scope) => metrics(scope, collaborators))
  const [documents, guarded] = [routes.filter((it) => it.prefix === WELL_KNOWN_PREFIX), routes.filter((it) => it.prefix === API_PREFIX)]
  app.register(async (scope) => api(scope, guarded, collaborators), { prefix: API_PREFIX })
  app.register(async (scope) => publicDocuments(scope, documents, collaborators), { prefix: WELL_KNOWN_PREFIX })
  await app.ready()
  return app
}

function acceptJsonOnly(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '')
      done(null, undefined) // tools name the type of a body they do not send
    else void parseJson(request, body, done)
  })
}

function openApiOf(routes: readonly MountedRoute[]) {
  return {
    openapi: '3.0.3',
    info: { title: 'Beaconfire admin API', version: '1' },
    components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
    security: [{ token: [] }],
    tags: [...new Set(routes.map((it) => it.owner))].map((name) => ({ name })),
  }
}

/** The listener speaks plain HTTP, so a page that upgrades its own requests would load nothing. */
function withoutForcedTls(policy: string): string {
  return policy.replace(/\s*upgrade-insecure-requests;?/, '')
}

function probes(scope: FastifyInstance, { isReady }: AppCollaborators): void {
  scope.get('/healthz', { schema: { hide: true } }, () => ({ status: 'ok' }))
  scope.get('/readyz', { schema: { hide: true } }, (_request, reply) => {
    const ready = isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' })
  })
}

function metrics(scope: FastifyInstance, { gate, metricsText }: AppCollaborators): void {
  if (!metricsText) return
  scope.addHook('onRequest', gate.admit)
  scope.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsText())
  })
}

/** Hooks live in this scope, so the router itself says what is protected: no second reading of the path can differ from its. */
function api(scope: FastifyInstance, routes: readonly MountedRoute[], { gate, audit, log }: AppCollaborators): void {
  const recorded = new WeakSet<FastifyRequest>()
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  })
  scope.addHook('onRequest', gate.admit)
  scope.addHook('onSend', async (request, reply) => {
    const administrator = gate.administratorOf(request)
    if (administrator === undefined || request.method === 'GET' || request.method === 'HEAD' || recorded.has(request)) return
    recorded.add(request) // an answer that fails while it is sent comes by a second time
    await recordAct(audit, log, administrator, request, reply)
  })
  scope.setNotFoundHandler(notFound)
  for (const mounted of routes) if (!mounted.route.upload) scope.route(routeOptions(mounted, gate, log))
  scope.register(async (files) => {
    files.removeAllContentTypeParsers()
    files.addContentTypeParser(FILE_TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    for (const mounted of routes) if (mounted.route.upload) files.route(routeOptions(mounted, gate, log))
  })
}

/** No token, and no cookie either: what is here any page may read (`Access-Control-Allow-Origin: *` comes without credentials). */
function publicDocuments(scope: FastifyInstance, routes: readonly MountedRoute[], { log }: AppCollaborators): void {
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('access-control-allow-origin', '*').header('cache-control', `public, max-age=${PUBLIC_SECONDS}`)
  })
  for (const mounted of routes) scope.route(routeOptions(mounted, NOBODY, log))
}

function routeOptions({ owner, route, path, compiled }: MountedRoute, gate: Pick<AdminGate, 'administratorOf'>, log: Logger): RouteOptions {
  const { params, query, body, response } = compiled.schemas
  const status = route.status ?? 200
  const schema: FastifySchema = { summary: route.summary, tags: [owner], ...(route.upload && { consumes: FILE_TYPES }) }
  if (params) schema.params = params
  if (query) schema.querystring = query
  if (body) schema.body = body
  if (route.upload) schema.body = { type: 'string', format: 'binary' } // for the documentation
  schema.response = response ? { [status]: response } : { [status]: { description: route.summary, type: 'null' } }
  const { serialize } = compiled
  return {
    ...(route.upload && { bodyLimit: route.upload.maxBytes }),
    method: route.method,
    url: path,
    schema,
    validatorCompiler: ({ httpPart }) => (compiled.validators[partOf(httpPart)] ?? (() => true)) as never,
    serializerCompiler: () => serialize ?? JSON.stringify,
    schemaErrorFormatter: (faults, part) => validationRefused(faults, part) as never,
    handler: async (request, reply) => answer(reply, status, await route.handle(adminRequest(request, gate)), log),
  }
}

function partOf(httpPart: string | undefined): RoutePart {
  return httpPart === 'querystring' ? 'query' : (httpPart as RoutePart)
}

function adminRequest(request: FastifyRequest, gate: Pick<AdminGate, 'administratorOf'>): AdminRequest {
  const administrator = gate.administratorOf(request)
  if (administrator === undefined) throw new Error('a request that was not admitted reached a handler')
  return { params: request.params, query: request.query, body: request.body, administrator }
}

function answer(reply: FastifyReply, status: number, result: unknown, log: Logger): FastifyReply {
  if (result === undefined) return reply.code(204).send()
  reply.code(status)
  if (isStreamedReply(result)) return sendStream(reply, result, log)
  return typeof result === 'string' ? reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(result) : reply.send(result)
}
