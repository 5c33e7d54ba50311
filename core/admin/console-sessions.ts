/** Administrators who are logged in with a browser. In memory: after a restart of the server they log in again. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { BoundedMap } from '../auth/bounded-map.js'

/** A browser that shows nothing of the console for so long is logged out. */
export const IDLE_MS = 60 * 60 * 1000
/** And each after so long. */
export const LONGEST_MS = 12 * 60 * 60 * 1000
/** Whoever logs in after that many ends the oldest. */
const MOST_SESSIONS = 1000

export interface ConsoleSession {
  readonly administrator: string
  /** What a request that changes something must bear besides the cookie: pages of other origins cannot read it. */
  readonly csrfToken: string
}

interface KeptSession extends ConsoleSession {
  readonly endsAt: number
  idleAt: number
}

export class ConsoleSessions {
  readonly #now: () => number
  /** By the hash of what the cookie holds. */
  readonly #sessions = new BoundedMap<KeptSession>(MOST_SESSIONS)

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** @returns what the cookie is to hold: 256 random bits, stored nowhere in clear */
  open(administrator: string): string {
    const now = this.#now()
    const secret = randomText()
    this.#sessions.set(keyOf(secret), { administrator, csrfToken: randomText(), endsAt: now + LONGEST_MS, idleAt: now + IDLE_MS })
    return secret
  }

  /** @param secret what the cookie holds @returns undefined when nobody is logged in with it any more */
  find(secret: string | undefined): ConsoleSession | undefined {
    if (secret === undefined) return undefined
    const key = keyOf(secret)
    const session = this.#sessions.get(key)
    if (!session) return undefined
    const now = this.#now()
    if (now >= session.endsAt || now >= session.idleAt) {
      this.#sessions.delete(key)
      return undefined
    }
    session.idleAt = now + IDLE_MS
    return session
  }

  close(secret: string | undefined): void {
    if (secret !== undefined) this.#sessions.delete(keyOf(secret))
  }
}

/** Takes the same time whatever `given` is. */
export function isCsrfToken({ csrfToken }: ConsoleSession, given: unknown): boolean {
  return typeof given === 'string' && timingSafeEqual(sha256(given), sha256(csrfToken))
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}

/** The look-up's time then tells nothing of what is looked up. */
function keyOf(secret: string): string {
  return sha256(secret).toString('base64url')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
