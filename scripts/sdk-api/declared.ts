/** Reads emitted declarations: what a package exports, and how it is declared. The compiler lays them out always alike, so that lines will do. */

/** One declaration of a module. */
export interface Declared {
  readonly file: string
  readonly name: string
  /** All of it, comments left out; overloads of a function together. */
  readonly text: string
}

/** Emitted files by path, such as `jid.d.ts`, without comments. */
export type DeclarationFiles = ReadonlyMap<string, string>

export interface PublicTypes {
  /** By entry and name, such as `. Jid`: which declaration it is, `file#name`. */
  readonly exports: ReadonlyMap<string, string>
  /** By `file#name`. */
  readonly declared: ReadonlyMap<string, Declared>
}

/** Modules that plugins import, by the name they use. */
const ENTRIES = { '.': 'index.d.ts', './testing': 'testing/index.d.ts' } as const

const EXPORT_LIST = /^export (?:type )?\{([^}]*)\} from '([^']+)';$/
const DECLARATION = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|type|function|const|enum) ([\w$]+)/

/** Only what is reached from the entries, without comments and licences. */
export function publicFiles(emitted: DeclarationFiles): DeclarationFiles {
  const files = new Map<string, string>()
  const left: string[] = Object.values(ENTRIES)
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    const text = emitted.get(file)
    if (text === undefined || files.has(file)) continue
    files.set(file, withoutComments(text))
    for (const [, specifier = ''] of text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) left.push(resolved(file, specifier))
  }
  return new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** @param files as {@link publicFiles} gives them */
export function readPublicTypes(files: DeclarationFiles): PublicTypes {
  const declared = new Map<string, Declared>()
  for (const [file, text] of files) for (const it of declarationsIn(file, text)) declared.set(`${file}#${it.name}`, it)
  const exports = new Map<string, string>()
  for (const [entry, file] of Object.entries(ENTRIES)) {
    for (const line of (files.get(file) ?? '').split('\n')) {
      const [, names = '', specifier = ''] = EXPORT_LIST.exec(line) ?? []
      for (const name of names.split(',').map((it) => it.trim().replace(/^type /, ''))) {
        if (name !== '') exports.set(`${entry} ${name}`, specifier.startsWith('.') ? `${resolved(file, specifier)}#${name}` : `${specifier}#${name}`)
      }
    }
  }
  return { exports, declared }
}

function declarationsIn(file: string, text: string): Declared[] {
  const found = new Map<string, string[]>()
  let name: string | undefined
  for (const line of text.split('\n')) {
    if (/^\S/.test(line) && !/^[}\])>;|&]/.test(line)) name = DECLARATION.exec(line)?.[1]
    if (name === undefined || line === '') continue
    found.set(name, [...(found.get(name) ?? []), line])
  }
  return [...found].map(([it, lines]) => ({ file, name: it, text: lines.join('\n') }))
}

/** @returns members of an interface, a class or an object type, as written, and the line that opens them; no members for what has none */
export function membersOf({ text }: Declared): { readonly head: string; readonly members: readonly string[] } {
  const lines = text.split('\n')
  const head = lines[0] ?? ''
  if (!head.endsWith('{') || !/^\}/.test(lines.at(-1) ?? '')) return { head: text, members: [] }
  const members: string[] = []
  for (const line of lines.slice(1, -1)) {
    const isNew = /^ {4}[^\s}\])]/.test(line)
    if (isNew || members.length === 0) members.push(line.trim())
    else members[members.length - 1] += `\n${line}`
  }
  return { head, members }
}

export function memberName(member: string): string {
  return /^(?:(?:readonly|static|get|set|private|protected|abstract) )*("[^"]*"|'[^']*'|\[[^\]]*\]|[\w$#]+)/.exec(member)?.[1] ?? member
}

function withoutComments(text: string): string {
  return text
    .replace(/^[ \t]*\/\*\*?[\s\S]*?\*\/[ \t]*\n/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && line !== 'export {};')
    .join('\n')
}

function resolved(file: string, specifier: string): string {
  const parts = file.split('/').slice(0, -1)
  for (const part of specifier.replace(/\.js$/, '.d.ts').split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}
