/** Ids that Openfire shares out in blocks from `ofID` (openfire.md §3.3), so that both can use one database. */
import type { Engine } from './engine.js'
import { isDuplicate } from './is-duplicate.js'

/**
 * Of Openfire's types, those that rows written on the way of a stanza take; and all of ours, which begin at 1000. Openfire itself takes
 * 5 or 50, but asks the table where the next block begins, so that its size is each program's own affair.
 */
const HOT_TYPES: ReadonlySet<number> = new Set([18, 19, 23, 27, 604])
const FIRST_OWN_TYPE = 1000
const HOT_BLOCK_SIZE = 5000
/** Another process can take the same block at the same time; that it happens so often in a row means something is wrong. */
const MOST_ATTEMPTS = 50

interface Sequence {
  next: number
  end: number
  /** The next block, when it is on its way. */
  refill: Promise<void> | undefined
  /** Where the block asked for ahead of need begins and ends. */
  spare: { readonly next: number; readonly end: number } | undefined
}

export class IdSequences {
  readonly #engine: Pick<Engine, 'knex' | 'read'>
  readonly #sequences = new Map<number, Sequence>()

  constructor(engine: Pick<Engine, 'knex' | 'read'>) {
    this.#engine = engine
  }

  /** Never the same twice, over restarts too; ids of a block that was not used up are left out. */
  nextId(idType: number): number | Promise<number> {
    const sequence = this.#sequence(idType)
    if (sequence.next >= sequence.end && sequence.spare) {
      sequence.next = sequence.spare.next
      sequence.end = sequence.spare.end
      sequence.spare = undefined
    }
    if (sequence.next >= sequence.end) return this.#refilled(idType, sequence)
    const id = sequence.next++
    this.#fetchAhead(idType, sequence)
    return id
  }

  /** Waits for ids asked for ahead of need, so that no query is under way when the database closes. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#sequences.values()].flatMap(({ refill }) => (refill ? [refill] : [])))
  }

  async #refilled(idType: number, sequence: Sequence): Promise<number> {
    sequence.refill ??= this.#refill(idType, sequence)
    await sequence.refill
    return this.nextId(idType)
  }

  /** At the half of a large block the next one is asked for, so that no one has to wait for it. */
  #fetchAhead(idType: number, sequence: Sequence): void {
    const size = blockSize(idType)
    if (size < 50 || sequence.spare || sequence.refill || sequence.end - sequence.next > size / 2) return
    sequence.refill = this.#refill(idType, sequence)
    sequence.refill.catch(() => undefined) // who needs an id and finds none asks again and is told the error
  }

  async #refill(idType: number, sequence: Sequence): Promise<void> {
    try {
      const next = await this.#takeBlock(idType)
      sequence.spare = { next, end: next + blockSize(idType) }
    } finally {
      sequence.refill = undefined
    }
  }

  async #takeBlock(idType: number): Promise<number> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const [row] = await this.#engine.read('select id from ofID where idType = ?', [idType])
      if (!row) {
        await this.#create(idType)
        continue
      }
      const first = Number(row.id)
      const hits = await this.#engine
        .knex('ofID')
        .where({ idType, id: first })
        .update({ id: first + blockSize(idType) })
      if (hits === 1) return first
    }
    throw new Error(`no ids of type ${idType} could be taken: the table ofID is changed all the time`)
  }

  async #create(idType: number): Promise<void> {
    try {
      await this.#engine.knex('ofID').insert({ idType, id: 1 })
    } catch (error) {
      if (!isDuplicate(error)) throw error // else another process was quicker
    }
  }

  #sequence(idType: number): Sequence {
    let sequence = this.#sequences.get(idType)
    if (!sequence) {
      sequence = { next: 0, end: 0, refill: undefined, spare: undefined }
      this.#sequences.set(idType, sequence)
    }
    return sequence
  }
}

function blockSize(idType: number): number {
  return HOT_TYPES.has(idType) || idType >= FIRST_OWN_TYPE ? HOT_BLOCK_SIZE : 1
}
