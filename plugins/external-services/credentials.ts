/** Credentials that a service can check with a shared secret, and that expire (draft-uberti-behave-turn-rest-00). */
import { createHmac } from 'node:crypto'
import type { ExternalService } from './config.js'

export interface Credentials {
  readonly username: string
  readonly password: string
  readonly expires: Date | undefined
}

/**
 * The username holds when it expires, in epoch seconds, and whose it is, so that the service can bound what one user takes.
 * @param user localpart of the user @param now epoch milliseconds
 * @returns undefined for a service that anybody may use
 */
export function credentialsFor(
  { secret, lifetimeSeconds, username, password }: Pick<ExternalService, 'secret' | 'lifetimeSeconds' | 'username' | 'password'>,
  user: string,
  now: number,
): Credentials | undefined {
  if (secret !== undefined) {
    const expires = Math.floor(now / 1000) + lifetimeSeconds
    const temporary = `${expires}:${user}`
    return { username: temporary, password: createHmac('sha1', secret).update(temporary).digest('base64'), expires: new Date(expires * 1000) }
  }
  return username !== undefined && password !== undefined ? { username, password, expires: undefined } : undefined
}
