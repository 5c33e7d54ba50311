/**
 * The web console: login and logout of browsers, the list of pages, and the pages of plugins below `/console/plugins/<plugin>/<page>/`.
 * Whoever comes with a bearer token needs no login, as in the admin API. Pages are looked up at each request, so that those of a version
 * that was swapped out are gone at once, and this application is built once.
 */
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Logger } from '@beaconfire/plugin-sdk'
import cookie from '@fastify/cookie'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { errorHandler } from './admin-errors.js'
import type { AdminGate } from './admin-gate.js'
import { type AuditLog, recordAct } from './audit-trail.js'
import type { ConsolePages } from './console-pages.js'
import { isCsrfToken } from './console-sessions.js'
import { indexView, loginView, messageView } from './console-views.js'
import type { Html } from './html.js'

const CONSOLE_PREFIX = '/console'

/** Script and style that plugins' pages may use, too; there is nothing secret in them. */
const OWN_FILES = realpathSync(fileURLToPath(new URL('./console', import.meta.url)))
const FORM_LIMIT = 4096

const HEADERS = {
  'cache-control': 'no-store',
  // Nothing within the HTML runs, and nothing from elsewhere; pages may frame each other.
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'SAMEORIGIN',
}

export interface ConsoleParts {
  readonly gate: AdminGate
  readonly pages: ConsolePages
  readonly audit: AuditLog
  readonly log: Logger
}

/** True for what the console answers; everything else on the listener is the admin API's. */
export function isOfConsole(url: string): boolean {
  const path = url.split('?', 1)[0] ?? ''
  return path === '/' || path === CONSOLE_PREFIX || path.startsWith(`${CONSOLE_PREFIX}/`)
}

/** An application that never listens: `AdminServer` hands it what {@link isOfConsole}. */
export async function buildConsole(parts: ConsoleParts): Promise<FastifyInstance> {
  const onError = errorHandler(parts.log)
  const app = fastify({ frameworkErrors: (error, request, reply) => void onError(error, request, reply) })
  app.setErrorHandler(onError)
  app.register(cookie)
  app.get('/', (_request, reply) => reply.redirect(`${CONSOLE_PREFIX}/`))
  app.register(async (scope) => consoleScope(scope, parts), { prefix: CONSOLE_PREFIX })
  await app.ready()
  return app
}

function consoleScope(scope: FastifyInstance, parts: ConsoleParts): void {
  const { audit, gate, log } = parts
  scope.register(fastifyStatic, { serve: false, dotfiles: 'ignore', cacheControl: false, etag: false, lastModified: false })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: FORM_LIMIT }, (_request, body, done) =>
    done(null, new URLSearchParams(body as string)),
  )
  scope.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS))
  scope.addHook('onSend', async (request, reply) => {
    const administrator = gate.administratorOf(request)
    if (administrator !== undefined && request.method === 'POST') await recordAct(audit, log, administrator, request, reply)
  })
  scope.setNotFoundHandler(async (request, reply) => (await notAdmitted(gate, request, reply)) ?? missing(reply))
  for (const file of ['console.css', 'console.js']) scope.get(`/${file}`, (_request, reply) => reply.sendFile(file, OWN_FILES))
  login(scope, gate)
  scope.register(async (pages) => guarded(pages, parts))
}

interface FormRequest {
  readonly Body: URLSearchParams | undefined
  readonly Querystring: { readonly next?: unknown }
}

function login(scope: FastifyInstance, gate: AdminGate): void {
  scope.get<FormRequest>('/login', (request, reply) => {
    const next = ownAddress(request.query.next)
    return gate.sessionOf(request) ? reply.redirect(next, 303) : page(reply, loginView(next))
  })
  scope.post<FormRequest>('/login', (request, reply) => {
    if (isFromElsewhere(request)) return forbidden(reply)
    const next = ownAddress(request.body?.get('next'))
    const verdict = gate.logIn(request, reply, request.body?.get('token') ?? '')
    if (verdict === 'wrong') return page(reply.code(401), loginView(next, 'This is not the admin token.'))
    if ('administrator' in verdict) return reply.redirect(next, 303)
    const { retryAfter } = verdict
    return page(reply.code(429).header('retry-after', retryAfter), loginView(next, `Too many wrong tokens. Try again in ${retryAfter} seconds.`))
  })
  scope.post<FormRequest>('/logout', (request, reply) => {
    const session = gate.sessionOf(request)
    if (session && !isCsrfToken(session, request.body?.get('csrfToken'))) return forbidden(reply)
    if (session) gate.logOut(session, request, reply)
    return reply.redirect(`${CONSOLE_PREFIX}/login`, 303)
  })
}

interface PageRequest {
  readonly Params: { readonly plugin: string; readonly page: string; readonly '*': string }
}

function guarded(scope: FastifyInstance, { gate, pages }: ConsoleParts): void {
  scope.addHook('onRequest', async (request, reply) => notAdmitted(gate, request, reply))
  scope.get('', { prefixTrailingSlash: 'no-slash' }, (_request, reply) => reply.redirect(`${CONSOLE_PREFIX}/`))
  scope.get('/', { prefixTrailingSlash: 'slash' }, (request, reply) => page(reply, indexView(pages.list(), gate.sessionOf(request))))
  scope.get('/session', (request) => ({
    administrator: gate.administratorOf(request),
    csrfToken: gate.sessionOf(request)?.csrfToken,
  }))
  scope.get<PageRequest>('/plugins/:plugin/:page', ({ params }, reply) => {
    const found = pages.find(params.plugin, params.page)
    return found ? reply.redirect(found.path) : missing(reply)
  })
  scope.get<PageRequest>('/plugins/:plugin/:page/*', async ({ params }, reply) => {
    const found = pages.find(params.plugin, params.page)
    const file = await found?.fileAt(params['*'])
    return found && file !== undefined ? reply.sendFile(file, found.folder) : missing(reply)
  })
}

/** @returns the reply where the request may not pass: people are led to the login, programs are told */
async function notAdmitted(gate: AdminGate, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const isPerson = request.method === 'GET' && request.headers.authorization === undefined && request.headers.accept?.includes('text/html')
  if (!isPerson || gate.sessionOf(request)) return gate.admit(request, reply)
  return reply.redirect(`${CONSOLE_PREFIX}/login?next=${encodeURIComponent(request.url)}`, 303)
}

/** An address of the console to go to after the login: a link to the login must not lead anywhere else. */
function ownAddress(next: unknown): string {
  const fallback = `${CONSOLE_PREFIX}/`
  if (typeof next !== 'string' || !URL.canParse(next, 'http://console')) return fallback
  const { origin, pathname, search } = new URL(next, 'http://console')
  return origin === 'http://console' && pathname.startsWith(fallback) ? pathname + search : fallback
}

/** Browsers say so over TLS and on loopback; elsewhere there is the CSRF token alone. */
function isFromElsewhere(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

function page(reply: FastifyReply, { text }: Html): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(text)
}

function missing(reply: FastifyReply): FastifyReply {
  return page(reply.code(404), messageView('Not found', 'There is no such page. Its plugin may have been unloaded.'))
}

function forbidden(reply: FastifyReply): FastifyReply {
  return page(reply.code(403), messageView('Refused', 'This request did not come from the console.'))
}
