/** Finds the imports of a TypeScript file as our formatter lays it out: static ones start a line, literals are in single quotes. */

export interface Import {
  readonly specifier: string
  /** Line of the specifier, from 1. */
  readonly line: number
  /** `import type`, `export type` or `typeof import(…)`: gone at run time. */
  readonly typeOnly: boolean
  /** `await import(…)` */
  readonly dynamic: boolean
}

const STATIC = /^(?:import|export)\s+(type\s+(?!from\b))?(?:[\w*\s{},$]+?\s+from\s+)?'([^'\n]+)'/gm
const DYNAMIC = /(\btypeof\s+)?\bimport\(\s*'([^'\n]+)'\s*\)(\.[A-Z])?/g

export function importsOf(source: string): Import[] {
  const found: Import[] = []
  for (const match of source.matchAll(STATIC)) {
    found.push({ specifier: match[2] as string, line: lineAt(source, match.index + match[0].length), typeOnly: Boolean(match[1]), dynamic: false })
  }
  for (const match of source.matchAll(DYNAMIC)) {
    if (isInComment(source, match.index)) continue
    // `import('x').Name` with a capital is a type: a module's values are reached after an await, in brackets.
    const typeOnly = Boolean(match[1] ?? match[3])
    found.push({ specifier: match[2] as string, line: lineAt(source, match.index), typeOnly, dynamic: !typeOnly })
  }
  return found
}

function lineAt(source: string, index: number): number {
  let line = 1
  for (let at = source.indexOf('\n'); at !== -1 && at < index; at = source.indexOf('\n', at + 1)) line++
  return line
}

function isInComment(source: string, index: number): boolean {
  const before = source.slice(source.lastIndexOf('\n', index) + 1, index).trimStart()
  return before.startsWith('*') || before.startsWith('/*') || before.includes('//')
}
