/** Short reads that travel together: those asked for in one turn, and those that arrive while others are under way. */
import type { ColumnValue } from '@beaconfire/plugin-sdk'

/** The bindings of all reads by one statement. */
export interface ReadGroup {
  readonly sql: string
  readonly bindings: (readonly ColumnValue[])[]
}

export type ReadRows = readonly Record<string, unknown>[]
/** What became of each read, in the order asked; an error is that read's alone. */
export type ReadOutcome = { readonly rows: ReadRows } | { readonly error: Error }
export type ReadBatch = (groups: readonly ReadGroup[]) => Promise<readonly (readonly ReadOutcome[])[]>

interface Waiting {
  readonly resolve: (rows: ReadRows) => void
  readonly reject: (error: unknown) => void
}

interface WaitingGroup extends ReadGroup {
  readonly waiting: Waiting[]
}

/** Reads of one message at most, so that the first need not wait long for the last. */
const BATCH_READS = 100

export class ReadQueue {
  readonly #send: ReadBatch
  #groups = new Map<string, WaitingGroup>()
  #count = 0
  #isSending = false

  constructor(send: ReadBatch) {
    this.#send = send
  }

  read(sql: string, bindings: readonly ColumnValue[]): Promise<ReadRows> {
    return new Promise((resolve, reject) => {
      let group = this.#groups.get(sql)
      if (!group) {
        group = { sql, bindings: [], waiting: [] }
        this.#groups.set(sql, group)
      }
      group.bindings.push(bindings)
      group.waiting.push({ resolve, reject })
      this.#count++
      if (this.#isSending) return
      this.#isSending = true
      setImmediate(() => void this.#sendAll())
    })
  }

  /** Never rejects: every read is told for itself. */
  async #sendAll(): Promise<void> {
    while (this.#count > 0) {
      const groups = this.#take()
      try {
        settle(groups, await this.#send(groups.map(({ sql, bindings }) => ({ sql, bindings }))))
      } catch (error) {
        for (const { waiting } of groups) for (const { reject } of waiting) reject(error)
      }
    }
    this.#isSending = false
  }

  #take(): WaitingGroup[] {
    const taken: WaitingGroup[] = []
    let room = BATCH_READS
    for (const [sql, group] of this.#groups) {
      if (room === 0) break
      const bindings = group.bindings.splice(0, room)
      taken.push({ sql, bindings, waiting: group.waiting.splice(0, room) })
      room -= bindings.length
      if (group.bindings.length === 0) this.#groups.delete(sql)
    }
    this.#count -= BATCH_READS - room
    return taken
  }
}

function settle(groups: readonly WaitingGroup[], outcomes: readonly (readonly ReadOutcome[])[]): void {
  for (const [at, { waiting }] of groups.entries()) {
    for (const [read, { resolve, reject }] of waiting.entries()) {
      const outcome = outcomes[at]?.[read]
      if (outcome && 'rows' in outcome) resolve(outcome.rows)
      else reject(outcome?.error ?? new Error('the database gave no answer'))
    }
  }
}
