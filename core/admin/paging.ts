/** Paging of admin lists: a page, and the cursor that the next one starts after. */
import { Type } from '@beaconfire/plugin-sdk'
import type { TSchema } from 'typebox'

const LARGEST_PAGE = 1000

export const limitSchema = Type.Integer({ minimum: 1, maximum: LARGEST_PAGE, default: 100, description: 'most entries of a page' })
export const cursorSchema = Type.Optional(Type.String({ minLength: 1, description: '`nextCursor` of the page before' }))

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Absent on the last page. */
  readonly nextCursor?: string | undefined
}

export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), nextCursor: Type.Optional(Type.String()) })
}

/** What to ask a list for: the one too many tells that there is more. Lists give 1000 at most. */
export function askFor(limit: number): number {
  return Math.min(limit + 1, LARGEST_PAGE)
}

/** @param found what the list gave when asked for `askFor(limit)` entries */
export function toPage<Found, Item>(
  found: readonly Found[],
  limit: number,
  cursorOf: (last: Found) => string,
  view: (entry: Found) => Item,
): Page<Item> {
  const kept = found.slice(0, limit)
  const last = kept.at(-1)
  const mayHaveMore = found.length > limit || found.length === LARGEST_PAGE
  return { items: kept.map(view), nextCursor: mayHaveMore && last !== undefined ? cursorOf(last) : undefined }
}
