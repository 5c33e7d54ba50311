/** What a peer received and nobody asked for yet, in order, and who waits for more. */
import { type Element, namespaceOf } from '../index.js'
import { realClearTimeout, realSetTimeout } from './real-timers.js'
import { differenceOf } from './stanza-difference.js'
import { isStanzaMatcher } from './stanza-matchers.js'

/** A local name such as `message`, `presence`, `iq`, `success`, or a test of the element. */
export type Wanted = string | ((el: Element) => boolean)

/** How long a test waits for what should come. */
const PATIENCE_MS = 5000

interface Waiter {
  matches(el: Element): boolean
  resolve(el: Element): void
  reject(error: Error): void
}

export class Inbox {
  readonly #owner: () => string
  #queued: Element[] = []
  #waiters: Waiter[] = []
  #ended: string | undefined

  /** @param owner names the peer in messages of failures */
  constructor(owner: () => string) {
    this.#owner = owner
  }

  /** Gives the element to the first who waits for such a one, or queues it. */
  put(el: Element): void {
    const waiter = this.#waiters.find((it) => it.matches(el))
    if (waiter) waiter.resolve(el)
    else this.#queued.push(el)
  }

  /** Nothing more will come; who waits is told why. */
  end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    for (const waiter of [...this.#waiters]) waiter.reject(this.#failure('the stream ended'))
  }

  /** Takes the first queued element that matches, or waits for one; others stay queued. */
  take(wanted: Wanted, what = describeWanted(wanted)): Promise<Element> {
    const matches = matcherOf(wanted)
    const index = this.#queued.findIndex(matches)
    if (index >= 0) return Promise.resolve(this.#queued.splice(index, 1)[0] as Element)
    if (this.#ended !== undefined) return Promise.reject(this.#failure(`waited for ${what}, but the stream ended`, wanted))
    return new Promise((resolve, reject) => {
      const leave = () => {
        realClearTimeout(timer)
        this.#waiters = this.#waiters.filter((it) => it !== waiter)
      }
      const waiter: Waiter = {
        matches,
        resolve: (el) => {
          leave()
          resolve(el)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const late = () => waiter.reject(this.#failure(`${what} did not come within ${PATIENCE_MS / 1000} s`, wanted))
      const timer = realSetTimeout(late, PATIENCE_MS)
      this.#waiters.push(waiter)
    })
  }

  /** Queued elements that match, which stay queued. */
  matching(wanted: Wanted): Element[] {
    return this.#queued.filter(matcherOf(wanted))
  }

  /** Removes queued elements that match. */
  discard(wanted: Wanted): void {
    const matches = matcherOf(wanted)
    this.#queued = this.#queued.filter((el) => !matches(el))
  }

  #failure(what: string, wanted?: Wanted): Error {
    const queued = this.#queued.length === 0 ? 'nothing is queued' : `queued: ${this.#queued.map(String).join('\n  ')}`
    return new Error(`${this.#owner()}: ${what}${this.#ended === undefined ? '' : ` (${this.#ended})`}; ${queued}${this.#nearest(wanted)}`)
  }

  /** Of what is queued, how the first of the same name differs from what was wanted. */
  #nearest(wanted: Wanted | undefined): string {
    if (!isStanzaMatcher(wanted)) return ''
    const near = this.#queued.find((el) => el.getName() === wanted.pattern.getName())
    return near ? `\nthe nearest differs so:\n${differenceOf(near, wanted.pattern, wanted.options)}` : ''
  }
}

function matcherOf(wanted: Wanted): (el: Element) => boolean {
  return typeof wanted === 'function' ? wanted : (el) => el.getName() === wanted
}

function describeWanted(wanted: Wanted): string {
  if (isStanzaMatcher(wanted)) return wanted.pattern.toString()
  return typeof wanted === 'function' ? 'an element' : `<${wanted}/>`
}

/** Matches by local name and namespace. */
export function named(name: string, namespace: string): (el: Element) => boolean {
  return (el) => el.getName() === name && namespaceOf(el) === namespace
}
