/** Lets a request with the right bearer token in, or one of a browser that has logged in, and answers every other in one and the same way. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorBody } from './admin-errors.js'
import { type AdminToken, bearerToken } from './admin-token.js'
import { clearSessionCookie, sessionCookie, setSessionCookie } from './console-cookie.js'
import { type ConsoleSession, ConsoleSessions, isCsrfToken } from './console-sessions.js'
import { isLoopback, TokenThrottle } from './token-throttle.js'

/** There is one token so far, so there is one administrator. */
const ADMINISTRATOR = 'admin'
/** Methods that change nothing. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What became of a token: whose it is, that it is nobody's, or after how many seconds another may be tried. */
export type TokenVerdict = { readonly administrator: string } | { readonly retryAfter: number } | 'wrong'

export class AdminGate {
  readonly #token: AdminToken
  readonly #throttle: TokenThrottle
  readonly #sessions: ConsoleSessions
  readonly #admitted = new WeakMap<FastifyRequest, string>()

  constructor(token: AdminToken, throttle: TokenThrottle = new TokenThrottle(), sessions: ConsoleSessions = new ConsoleSessions()) {
    this.#token = token
    this.#throttle = throttle
    this.#sessions = sessions
  }

  /** Who makes this request; undefined when it was not admitted. */
  administratorOf(request: FastifyRequest): string | undefined {
    return this.#admitted.get(request)
  }

  /** An `onRequest` hook: replies itself when the request may not pass. */
  readonly admit = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const session = this.sessionOf(request)
    if (session) return this.#admitSession(session, request, reply)
    const verdict = this.#weigh(request, bearerToken(request.headers.authorization), request.headers.authorization !== undefined)
    if (verdict === 'wrong') return unauthorized(reply)
    if ('retryAfter' in verdict) return tooMany(reply, verdict.retryAfter)
    this.#admitted.set(request, verdict.administrator)
    return undefined
  }

  /** The session of a browser that has logged in. A token that comes along is what counts: then there is none. */
  sessionOf(request: FastifyRequest): ConsoleSession | undefined {
    return request.headers.authorization === undefined ? this.#sessions.find(sessionCookie(request)) : undefined
  }

  /** Logs the browser in where the token is right. */
  logIn(request: FastifyRequest, reply: FastifyReply, token: string): TokenVerdict {
    const verdict = this.#weigh(request, token, true)
    if (verdict === 'wrong' || 'retryAfter' in verdict) return verdict
    this.#sessions.close(sessionCookie(request))
    setSessionCookie(request, reply, this.#sessions.open(verdict.administrator))
    this.#admitted.set(request, verdict.administrator)
    return verdict
  }

  /** @param session of this request, which ends */
  logOut(session: ConsoleSession, request: FastifyRequest, reply: FastifyReply): void {
    this.#admitted.set(request, session.administrator)
    this.#sessions.close(sessionCookie(request))
    clearSessionCookie(request, reply)
  }

  /** A cookie comes with what other pages make the browser send, too: what changes something must show that it is from one of ours. */
  #admitSession(session: ConsoleSession, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (!SAFE_METHODS.has(request.method) && !isCsrfToken(session, request.headers['x-csrf-token'])) {
      return reply.code(403).send(errorBody(403, 'csrf', 'a browser that has logged in changes something only with the header x-csrf-token'))
    }
    this.#admitted.set(request, session.administrator)
    return undefined
  }

  /** @param isGuess false: no token at all is somebody looking around, not somebody guessing */
  #weigh(request: FastifyRequest, token: string | undefined, isGuess: boolean): TokenVerdict {
    const address = request.raw.socket.remoteAddress ?? ''
    const retryAfter = this.#throttle.retryAfter(address)
    // A script with an old token must not lock out the operator beside it, so from here the right token always passes.
    if (retryAfter !== undefined && !isLoopback(address)) return { retryAfter }
    if (this.#token.accepts(token)) return { administrator: ADMINISTRATOR }
    if (retryAfter !== undefined) return { retryAfter }
    if (isGuess) this.#throttle.failed(address)
    return 'wrong'
  }
}

function unauthorized(reply: FastifyReply): FastifyReply {
  return reply
    .code(401)
    .header('www-authenticate', 'Bearer')
    .send(errorBody(401, 'unauthorized', 'a valid bearer token is required'))
}

function tooMany(reply: FastifyReply, seconds: number): FastifyReply {
  return reply
    .code(429)
    .header('retry-after', seconds)
    .send(errorBody(429, 'too-many-attempts', 'too many wrong tokens from this address'))
}
