/**
 * The promise of the rows of one appender in one transaction: it resolves when they are on disk, save those that the database refused,
 * and rejects when none of them is. A promise for each row would be garbage on the way of every stanza; so who has just appended one
 * looks here which it is, and when all is over whether that one was refused.
 */
export class StoredTogether extends Promise<void> {
  /** The row that was appended last, by its place. */
  last = 0
  /** Errors of rows that are not stored, by place. Complete when the promise has settled. */
  refused: Map<number, unknown> | undefined = undefined
  resolve: () => void = () => {}
  reject: (error: unknown) => void = () => {}

  static begin(): StoredTogether {
    let settle: Pick<StoredTogether, 'resolve' | 'reject'> | undefined
    const promise = new StoredTogether((resolve, reject) => {
      settle = { resolve, reject }
    })
    return Object.assign(promise, settle)
  }

  /** What is derived from it says nothing of rows. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }
}

/** A promise of the row that was appended just now alone, for those who wait where no stanza is in a hurry. */
export function ofLastRow(durable: Promise<unknown>): Promise<unknown> {
  if (!(durable instanceof StoredTogether)) return durable
  const { last } = durable
  return durable.then(() => {
    if (durable.refused?.has(last)) throw durable.refused.get(last)
  })
}
