/**
 * Messages of the last turns of the event loop. Most of them arrive before anybody would write them down: a socket has taken them, or the
 * client has acknowledged them. The busier the server the longer a turn, so that under load few are left; one that idles waits for nothing.
 */
import type { Entry } from './entry.js'

/**
 * Looks at each message. A request for an acknowledgement and its answer take two turns, and a message that was written while one was
 * open is asked for when it is answered.
 */
const TURNS = 5

export class Recent {
  /** By age; messages leave the last. */
  #turns: Entry[][] = Array.from({ length: TURNS }, () => [])
  #count = 0

  get count(): number {
    return this.#count
  }

  add(entry: Entry): void {
    this.#count++
    ;(this.#turns[0] as Entry[]).push(entry)
  }

  /** A turn is over. @param arrived told of each that has arrived @returns what has had its turns, in order */
  pass(arrived: (entry: Entry) => void): Entry[] {
    this.#turns = this.#turns.map((entries) => unarrived(entries, arrived))
    const due = this.#turns.pop() as Entry[]
    this.#turns.unshift([])
    this.#count = this.#turns.reduce((sum, entries) => sum + entries.length, 0)
    return due
  }

  /** Takes out all of them, in order. */
  takeAll(): Entry[] {
    const all = this.#turns.reverse().flat()
    this.#turns = Array.from({ length: TURNS }, () => [])
    this.#count = 0
    return all
  }
}

function unarrived(entries: Entry[], arrived: (entry: Entry) => void): Entry[] {
  if (entries.length === 0) return entries
  const left: Entry[] = []
  for (const entry of entries) {
    if (entry.hasArrived) arrived(entry)
    else left.push(entry)
  }
  return left
}
