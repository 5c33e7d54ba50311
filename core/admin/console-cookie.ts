/** The cookie of a browser that has logged in to the console. */
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** No script reads it, and no page of another site makes the browser send it. */
const OPTIONS: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'strict' }

export function sessionCookie(request: FastifyRequest): string | undefined {
  return request.cookies[nameFor(request)]
}

export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, secret: string): void {
  // The listener speaks plain HTTP. Who says so without a proxy that adds TLS keeps the cookie from nobody but itself.
  const secure = request.headers['x-forwarded-proto'] === 'https'
  reply.setCookie(nameFor(request), secret, { ...OPTIONS, secure })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(nameFor(request), OPTIONS)
}

/** Browsers do not tell ports of a host apart: two servers on one machine have cookies of two names. */
function nameFor(request: FastifyRequest): string {
  return `beaconfire-console-${request.raw.socket.localPort}`
}
