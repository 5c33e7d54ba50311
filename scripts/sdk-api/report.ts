/** `plugin-sdk/api.md`: the public types of one version of the SDK, to be read in reviews and held against what is there now. */
import type { DeclarationFiles } from './declared.js'

export interface ApiReport {
  readonly version: string
  /** False while the version has not been published: then its types may still change. */
  readonly isPublished: boolean
  readonly files: DeclarationFiles
}

const HEAD = /^Version (\S+), (published|not published yet)\.$/m
const FILE = /^## (\S+)\n\n```ts\n([\s\S]*?)\n```$/gm

export function writeReport({ version, isPublished, files }: ApiReport): string {
  const head = [
    '# Public types of the SDK',
    `Version ${version}, ${isPublished ? 'published' : 'not published yet'}.`,
    'Made from the declarations that the compiler emits; what they mean is said in the sources. `npm run check:sdk-api` holds the types against',
    'this file, and says what to do where they differ.',
  ]
  const sections = [...files].map(([file, text]) => `## ${file}\n\n\`\`\`ts\n${text}\n\`\`\``)
  return `${[head.slice(0, 1).join('\n'), head[1], head.slice(2).join('\n'), ...sections].join('\n\n')}\n`
}

/** @throws Error for a text that is no such report */
export function readReport(text: string): ApiReport {
  const [, version, state] = HEAD.exec(text) ?? []
  if (version === undefined) throw new Error('this is no report of the SDK: it does not say of which version')
  const files = new Map<string, string>()
  for (const [, file = '', declarations = ''] of text.matchAll(FILE)) files.set(file, declarations)
  return { version, isPublished: state === 'published', files }
}
