/** How two elements differ, in lines that can be read: attributes by name, an element a line, `*` for what may be anything. */
import { AssertionError } from 'node:assert'
import { childElements, type Element, namespaceOf, parseElement } from '../index.js'

/** In an expected element: any value of an attribute, or any text. The attribute, or the text, must be there. */
const ANYTHING = '*'

export interface MatchOptions {
  /** Attributes and children that the expected one does not have may be there, and children be in another order. */
  readonly extras?: boolean
}

/** Attribute order, quotes and prefixes make no difference; text and the order of children do. @param expected `*` is any value or text */
export function isLike(actual: Element, expected: Element, options: MatchOptions = {}): boolean {
  if (actual.getName() !== expected.getName() || namespaceOf(actual) !== namespaceOf(expected)) return false
  const [has, wants] = [attributesOf(actual), attributesOf(expected)]
  for (const [name, value] of wants) if (!isValueLike(has.get(name), value)) return false
  if (!options.extras && has.size > wants.size) return false
  const text = textOf(expected)
  if ((text !== '' || !options.extras) && !isValueLike(textOf(actual) || undefined, text || undefined)) return false
  return areChildrenLike(childElements(actual), childElements(expected), options)
}

/** @throws AssertionError that shows both, line by line */
export function assertStanza(actual: Element, expected: string | Element, options: MatchOptions = {}): void {
  const wanted = typeof expected === 'string' ? parseElement(expected) : expected
  if (isLike(actual, wanted, options)) return
  throw new AssertionError({
    message: `the stanza is another:\n${differenceOf(actual, wanted, options)}`,
    actual: linesOf(actual).join('\n'),
    expected: linesOf(wanted).join('\n'),
    operator: 'assertStanza',
    stackStartFn: assertStanza,
  })
}

/** @returns lines: `-` expected and missing, `+` there and not expected, blank where both agree */
export function differenceOf(actual: Element, expected: Element, options: MatchOptions = {}): string {
  return lineDifference(linesOf(actual), linesOf(expected), options.extras ? ' ' : '+')
}

/** @param extra mark of lines that only `actual` has */
export function lineDifference(actual: readonly string[], expected: readonly string[], extra: '+' | ' ' = '+'): string {
  const shared = longestShared(actual, expected)
  const lines: string[] = []
  let [a, e] = [0, 0]
  for (const [atA, atE] of [...shared, [actual.length, expected.length] as const]) {
    for (; e < atE; e++) lines.push(`- ${expected[e]}`)
    for (; a < atA; a++) lines.push(`${extra} ${actual[a]}`)
    if (a < actual.length && e < expected.length) lines.push(`  ${actual[a]}`)
    a++
    e++
  }
  return lines.join('\n')
}

/** Places in both of the lines of their longest common subsequence, in order. */
function longestShared(actual: readonly string[], expected: readonly string[]): (readonly [number, number])[] {
  const lengths = Array.from({ length: actual.length + 1 }, () => new Array<number>(expected.length + 1).fill(0))
  const at = (a: number, e: number): number => lengths[a]?.[e] ?? 0
  for (let a = actual.length - 1; a >= 0; a--) {
    for (let e = expected.length - 1; e >= 0; e--) {
      const length = isLineLike(actual[a] as string, expected[e] as string) ? at(a + 1, e + 1) + 1 : Math.max(at(a + 1, e), at(a, e + 1))
      ;(lengths[a] as number[])[e] = length
    }
  }
  const shared: (readonly [number, number])[] = []
  for (let a = 0, e = 0; a < actual.length && e < expected.length; ) {
    if (isLineLike(actual[a] as string, expected[e] as string)) shared.push([a++, e++])
    else if (at(a + 1, e) >= at(a, e + 1)) a++
    else e++
  }
  return shared
}

/** A line of a wildcard agrees with what it stands for. */
function isLineLike(actual: string, expected: string): boolean {
  if (actual === expected) return true
  if (expected.endsWith(`="${ANYTHING}"`)) return actual.startsWith(expected.slice(0, -2))
  return expected.trim() === ANYTHING && actual.trim() !== '' && !actual.trim().startsWith('<')
}

/** An element a line, an attribute a line where there are several, namespaces where they change. */
export function linesOf(el: Element, indent = '', outer = ''): string[] {
  const namespace = namespaceOf(el)
  const attributes = [...attributesOf(el)].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, value]) => `${indent}    ${name}="${value}"`)
  const lines = [`${indent}<${el.getName()}${namespace === outer || namespace === '' ? '' : ` xmlns="${namespace}"`}>`, ...attributes]
  const text = textOf(el)
  if (text !== '') lines.push(`${indent}  ${text}`)
  for (const child of childElements(el)) lines.push(...linesOf(child, `${indent}  `, namespace))
  return lines
}

/** Without declarations of namespaces, which {@link namespaceOf} tells. */
function attributesOf(el: Element): Map<string, string> {
  const entries = Object.entries(el.attrs as Record<string, string | undefined>)
  return new Map(entries.filter((it): it is [string, string] => it[1] !== undefined && it[0] !== 'xmlns' && !it[0].startsWith('xmlns:')))
}

/** Text between children that is only there to indent them does not count. */
function textOf(el: Element): string {
  const text = el.getText()
  return childElements(el).length > 0 ? text.trim() : text
}

function isValueLike(actual: string | undefined, expected: string | undefined): boolean {
  return actual === expected || (expected === ANYTHING && actual !== undefined)
}

function areChildrenLike(actual: readonly Element[], expected: readonly Element[], options: MatchOptions): boolean {
  if (!options.extras) {
    return actual.length === expected.length && actual.every((child, index) => isLike(child, expected[index] as Element, options))
  }
  const left = [...actual]
  return expected.every((wanted) => {
    const index = left.findIndex((child) => isLike(child, wanted, options))
    return index >= 0 && left.splice(index, 1).length === 1
  })
}
