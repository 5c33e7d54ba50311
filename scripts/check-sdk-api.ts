/**
 * `npm run check:sdk-api`: fails when the SDK's public types changed and its version does not say so. `npm run sdk-api` writes the types of a
 * version that is not published yet into `plugin-sdk/api.md`; `npm run sdk-api -- --published` writes down those of one that has been.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { declarationsOf } from './pack-sdk/declarations.js'
import { type Change, changesBetween, isLower, neededVersion } from './sdk-api/changes.js'
import { type DeclarationFiles, publicFiles, readPublicTypes } from './sdk-api/declared.js'
import { type ApiReport, readReport, writeReport } from './sdk-api/report.js'

const ROOT = resolve(fileURLToPath(import.meta.url), '../..')
const REPORT = join(ROOT, 'plugin-sdk/api.md')

/** Whether the types may be as they are, and what to do if not. */
export interface Judgement {
  readonly isFine: boolean
  readonly changes: readonly Change[]
  readonly message: string
}

/** @param version of the SDK's package.json now */
export function judge(report: ApiReport, version: string, files: DeclarationFiles): Judgement {
  const changes = changesBetween(readPublicTypes(report.files), readPublicTypes(files))
  const listed = changes.map(({ kind, what }) => `  ${kind === 'added' ? 'added   ' : 'BREAKING'} ${what}`).join('\n')
  if (!report.isPublished) {
    if (changes.length === 0 && report.version === version)
      return { isFine: true, changes, message: `${version} is not published yet, and as plugin-sdk/api.md says` }
    const what = `the SDK's public types are not those in plugin-sdk/api.md:\n${listed}`
    return {
      isFine: false,
      changes,
      message: `${what}\n${version} is not published yet, so the version may stay. If these are meant: npm run sdk-api, and commit the file.`,
    }
  }
  const needed = neededVersion(report.version, changes)
  if (!isLower(version, needed))
    return { isFine: true, changes, message: `${version} may follow ${report.version}: ${changes.length} changes of the public types` }
  const what = `the SDK's public types changed since ${report.version}, which is published:\n${listed}`
  const raise = `Raise the version in plugin-sdk/package.json, and where packages depend on it, from ${version} to ${needed} or higher`
  return { isFine: false, changes, message: `${what}\n${raise}; or keep to additions that are optional.` }
}

async function main(options: readonly string[]): Promise<void> {
  const emitted = await declarationsOf(ROOT, ['plugin-sdk'])
  const files = publicFiles(new Map([...emitted].map(([path, text]) => [relative('plugin-sdk', path), text])))
  const { version } = JSON.parse(await readFile(join(ROOT, 'plugin-sdk/package.json'), 'utf8')) as { version: string }
  const written = await readFile(REPORT, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const report = written === undefined ? undefined : readReport(written)
  if (options.length > 0) {
    await write({ version, isPublished: options.includes('--published'), files }, report)
    return
  }
  const { isFine, message } = report ? judge(report, version, files) : { isFine: false, message: 'there is no plugin-sdk/api.md: npm run sdk-api' }
  process.stdout.write(`sdk-api: ${message}\n`)
  if (!isFine) process.exitCode = 1
}

async function write(next: ApiReport, last: ApiReport | undefined): Promise<void> {
  if (last?.isPublished) {
    const { isFine, message } = judge(last, next.version, next.files)
    const reason = next.isPublished
      ? message
      : `plugin-sdk/api.md holds ${last.version}, which is published, until the next is: npm run sdk-api -- --published`
    if (!isFine || !next.isPublished) {
      process.stderr.write(`sdk-api: ${reason}\n`)
      process.exitCode = 1
      return
    }
  }
  await writeFile(REPORT, writeReport(next))
  process.stdout.write(`sdk-api: wrote the types of ${next.version} into plugin-sdk/api.md\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2))
