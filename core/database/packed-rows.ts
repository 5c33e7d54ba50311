/** Rows on their way to the thread that stores them: a few large values cost far less to hand over than many small ones. */
import type { ColumnValue } from '@beaconfire/plugin-sdk'
import type { InsertGroup } from './append-queue.js'

/** What a place of `kinds` below zero means; from zero on it is the length of a text. */
export const KIND = { null: -1, number: -2, other: -3 } as const

/** The values of a group in order: each takes what is its own from the front of one of the three stores. */
export interface PackedGroup {
  readonly sql: string
  readonly width: number
  readonly kinds: Int32Array
  readonly text: string
  readonly numbers: Float64Array
  /** Bytes, and what no column should have been given. */
  readonly others: readonly unknown[]
}

export function packRows({ sql, width, values }: Pick<InsertGroup, 'sql' | 'width' | 'values'>): PackedGroup {
  const kinds = new Int32Array(values.length)
  const texts: string[] = []
  const numbers: number[] = []
  const others: ColumnValue[] = []
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as ColumnValue
    if (typeof value === 'string') {
      kinds[at] = value.length
      texts.push(value)
    } else if (typeof value === 'number') {
      kinds[at] = KIND.number
      numbers.push(value)
    } else if (value === null) kinds[at] = KIND.null
    else {
      kinds[at] = KIND.other
      others.push(value)
    }
  }
  return { sql, width, kinds, text: texts.join(''), numbers: Float64Array.from(numbers), others }
}
