/** Lets a request with the right bearer token in, and answers every other in one and the same way. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorBody } from './admin-errors.js'
import { type AdminToken, bearerToken } from './admin-token.js'
import { isLoopback, TokenThrottle } from './token-throttle.js'

/** There is one token so far, so there is one administrator. */
const ADMINISTRATOR = 'admin'

export class AdminGate {
  readonly #token: AdminToken
  readonly #throttle: TokenThrottle
  readonly #admitted = new WeakMap<FastifyRequest, string>()

  constructor(token: AdminToken, throttle: TokenThrottle = new TokenThrottle()) {
    this.#token = token
    this.#throttle = throttle
  }

  /** Who makes this request; undefined when it was not admitted. */
  administratorOf(request: FastifyRequest): string | undefined {
    return this.#admitted.get(request)
  }

  /** An `onRequest` hook: replies itself when the request may not pass. */
  readonly admit = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const address = request.raw.socket.remoteAddress ?? ''
    const wait = this.#throttle.retryAfter(address)
    // A script with an old token must not lock out the operator beside it, so from here the right token always passes.
    if (wait !== undefined && !isLoopback(address)) return tooMany(reply, wait)
    if (this.#token.accepts(bearerToken(request.headers.authorization))) {
      this.#admitted.set(request, ADMINISTRATOR)
      return undefined
    }
    if (wait !== undefined) return tooMany(reply, wait)
    // No token at all is somebody looking around, not somebody guessing.
    if (request.headers.authorization !== undefined) this.#throttle.failed(address)
    return reply
      .code(401)
      .header('www-authenticate', 'Bearer')
      .send(errorBody(401, 'unauthorized', 'a valid bearer token is required'))
  }
}

function tooMany(reply: FastifyReply, seconds: number): FastifyReply {
  return reply
    .code(429)
    .header('retry-after', seconds)
    .send(errorBody(429, 'too-many-attempts', 'too many wrong tokens from this address'))
}
