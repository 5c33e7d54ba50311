/** Counts behaviours by the place their file has in `test/conformance`: `rfc6121/08-delivery.test.ts`, `xep-0199.test.ts`. */

export interface Behaviour {
  /** Path inside the tree. */
  readonly file: string
  readonly name: string
  readonly outcome: 'held' | 'failed' | 'skipped'
  readonly error?: string | undefined
}

export interface SectionCount {
  readonly specification: string
  /** '' for the specification as a whole. */
  readonly section: string
  readonly held: number
  readonly failed: number
  readonly skipped: number
}

/** `RFC 6121` and `8 delivery`, `A states` for an appendix; a specification in a single file has no section. */
export function placeOf(file: string): { readonly specification: string; readonly section: string } {
  const [first = '', second] = file.replaceAll('\\', '/').split('/')
  const specification = first
    .replace(/\.test\.ts$/, '')
    .toUpperCase()
    .replace(/^RFC(?=\d)/, 'RFC ')
  if (second === undefined) return { specification, section: '' }
  const [, number = '', words = second] = /^0*(\d+|[a-z])-(.+)\.test\.ts$/.exec(second) ?? []
  return { specification, section: `${number.toUpperCase()} ${words.replaceAll('-', ' ')}`.trim() }
}

/** One row a specification, followed by one a section where it has sections. */
export function countBySection(behaviours: readonly Behaviour[]): SectionCount[] {
  const rows = new Map<string, { specification: string; section: string; held: number; failed: number; skipped: number }>()
  const sorted = [...behaviours].sort((a, b) => a.file.localeCompare(b.file, 'en', { numeric: true }))
  for (const { file, outcome } of sorted) {
    const { specification, section } = placeOf(file)
    for (const part of new Set(['', section])) {
      const key = `${specification} ${part}`
      const row = rows.get(key) ?? { specification, section: part, held: 0, failed: 0, skipped: 0 }
      row[outcome]++
      rows.set(key, row)
    }
  }
  return [...rows.values()]
}
