/** Reads a period of time such as `2026-11-01..2026-11-02T12:00Z`. */
import { type Period, RehearsalImpossible } from './rehearsal-options.js'

/** The forms of ISO 8601 that Date reads alike everywhere; a time without zone is that of this machine. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/** @throws RehearsalImpossible */
export function parsePeriod(text: string): Period {
  const parts = text.split('..')
  if (parts.length !== 2) throw new RehearsalImpossible(`--chatlog must be <from>..<to>, such as 2026-11-01..2026-11-02, not "${text}"`)
  const [from, to] = parts.map(momentOf)
  if (from !== undefined && to !== undefined && from >= to) throw new RehearsalImpossible(`--chatlog "${text}" ends before it begins`)
  return { from, to }
}

function momentOf(text: string): number | undefined {
  if (text === '') return undefined
  const at = MOMENT.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new RehearsalImpossible(`"${text}" is no date or time such as 2026-11-01 or 2026-11-01T08:30Z`)
  return at
}
