/** What changed between two versions of the SDK's public types, and which version that asks for. */
import { type Declared, memberName, membersOf, type PublicTypes } from './declared.js'

export interface Change {
  /** `breaking`: a plugin written before may not compile, or not run. */
  readonly kind: 'added' | 'breaking'
  /** Such as `PacketInterceptor.budget is new`. */
  readonly what: string
}

/** Plugins implement these, so that what is required of them anew breaks those there are. Of all others the server, or the kit, is the maker. */
const IMPLEMENTED = new Set([
  ...['AdminRoute', 'Command', 'CommandStage', 'Contributions', 'DiscoveryProvider', 'IqHandler', 'Migration', 'OutgoingGate'],
  ...['PacketInterceptor', 'PluginDefinition', 'PluginDomain', 'PortListener', 'PreAuthIqHandler', 'StanzaIdGiver'],
  ...['StreamElementHandler', 'StreamFeature', 'TestScope', 'StreamObserver'],
])
const IMPLEMENTED_ENDINGS = /(?:Service|Listener|Source|Provider)$/

export function changesBetween(before: PublicTypes, now: PublicTypes): Change[] {
  const changes: Change[] = []
  for (const [name] of before.exports) if (!now.exports.has(name)) changes.push({ kind: 'breaking', what: `${spoken(name)} is gone` })
  for (const [name] of now.exports) if (!before.exports.has(name)) changes.push({ kind: 'added', what: `${spoken(name)} is new` })
  for (const [was, is] of pairs(before, now)) changes.push(...changesOf(was, is))
  return changes
}

/** Declarations that both have: exported ones by their name, wherever they are; others by where they are. */
function* pairs(before: PublicTypes, now: PublicTypes): Iterable<readonly [Declared, Declared]> {
  const seen = new Set<string>()
  const paired = [...before.exports].map(([name, key]) => [key, now.exports.get(name) ?? key] as const)
  for (const [key, keyNow] of [...paired, ...[...before.declared.keys()].map((it) => [it, it] as const)]) {
    const [was, is] = [before.declared.get(key), now.declared.get(keyNow)]
    if (was && is && !seen.has(key)) yield [was, is]
    seen.add(key)
  }
}

function changesOf(was: Declared, is: Declared): Change[] {
  if (was.text === is.text) return []
  const [before, now] = [membersOf(was), membersOf(is)]
  if (before.head !== now.head) return [{ kind: 'breaking', what: `${was.name} is declared otherwise:\n  - ${before.head}\n  + ${now.head}` }]
  const changes: Change[] = []
  const names = new Set(before.members.map(memberName))
  const told = new Set<string>()
  for (const member of before.members) {
    if (now.members.includes(member)) continue
    told.add(memberName(member))
    const others = now.members.filter((it) => memberName(it) === memberName(member))
    const what = others.length === 0 ? 'is gone' : `is declared otherwise:\n  - ${member}\n  + ${others.join('\n  + ')}`
    changes.push({ kind: 'breaking', what: `${was.name}.${memberName(member)} ${what}` })
  }
  for (const member of now.members) {
    if (before.members.includes(member) || told.has(memberName(member))) continue
    // Of one that is there as before too, an overload is new.
    if (names.has(memberName(member))) changes.push({ kind: 'added', what: `${was.name}.${memberName(member)} has a new form` })
    else changes.push(newMember(is, member))
  }
  return changes
}

function newMember({ name, text }: Declared, member: string): Change {
  const isImplemented = / interface /.test(` ${text.split('\n')[0]}`) && (IMPLEMENTED.has(name) || IMPLEMENTED_ENDINGS.test(name))
  const isOptional = member.slice(member.indexOf(memberName(member)) + memberName(member).length).startsWith('?')
  const what = `${name}.${memberName(member)} is new`
  return isImplemented && !isOptional ? { kind: 'breaking', what: `${what}, and required of plugins` } : { kind: 'added', what }
}

function spoken(name: string): string {
  const [entry = '', exported = ''] = name.split(' ')
  return entry === '.' ? exported : `${exported} of ${entry.slice(1)}`
}

/** The lowest version that may follow `released` with these changes (semver 2.0.0 §4, §7, §8; below 1.0.0 everything is one place lower). */
export function neededVersion(released: string, changes: readonly Change[]): string {
  if (changes.length === 0) return released
  const [major = 0, minor = 0, patch = 0] = numbers(released)
  const isBreaking = changes.some((it) => it.kind === 'breaking')
  if (major === 0) return isBreaking ? `0.${minor + 1}.0` : `0.${minor}.${patch + 1}`
  return isBreaking ? `${major + 1}.0.0` : `${major}.${minor + 1}.0`
}

export function isLower(version: string, than: string): boolean {
  const [a, b] = [numbers(version), numbers(than)]
  const at = a.findIndex((it, index) => it !== b[index])
  return at >= 0 && (a[at] as number) < (b[at] as number)
}

function numbers(version: string): number[] {
  return (version.split(/[-+]/)[0] ?? '').split('.').map(Number)
}
