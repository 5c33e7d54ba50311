/**
 * The guide, documents and examples as they are packed with the SDK. Where they lie elsewhere in the package than in the repository, what
 * links to them is changed; a link that would be dead keeps the package from being made.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, posix, relative } from 'node:path'

const SDK_FOLDER = 'plugin-sdk'
/** Pages of the repository's own that those of the SDK may lead to. They lie among its documents then. */
const OWN_PAGE = /^docs\/[^/]+\.md$/
const LINK = /\]\(([^)#\s]+)(#[^)\s]*)?\)/g
const CODE = /(^```[\s\S]*?^```$)/m

/**
 * @param sources paths within the package of all else that it holds, such as `hooks.d.ts`
 * @returns contents by path within the package
 * @throws Error (rejects) that names a link which leads to nothing in the package
 */
export async function packedDocuments(root: string, sources: Iterable<string>): Promise<Map<string, Uint8Array | string>> {
  const files = new Map<string, Uint8Array | string>()
  const published = await publishedBelow(join(root, SDK_FOLDER))
  const there = new Set([...sources, ...published])
  const waiting = published.map((it) => posix.join(SDK_FOLDER, it))
  for (let page = waiting.shift(); page !== undefined; page = waiting.shift()) {
    const path = placeOf(page) as string
    const contents = await readFile(join(root, page))
    if (!page.endsWith('.md')) {
      files.set(path, contents)
      continue
    }
    const onOwnPage = (found: string) => {
      if (there.has(placeOf(found) as string)) return
      there.add(placeOf(found) as string)
      waiting.push(found)
    }
    files.set(path, withLinks(contents.toString(), page, there, onOwnPage))
  }
  return files
}

/** @param page its path in the repository @param onOwnPage told of pages of the repository that must be packed too */
function withLinks(text: string, page: string, there: ReadonlySet<string>, onOwnPage: (page: string) => void): string {
  const from = posix.dirname(placeOf(page) as string)
  const leading = (link: string) => {
    const target = posix.join(posix.dirname(page), link)
    if (OWN_PAGE.test(target)) onOwnPage(target)
    const place = placeInPackage(placeOf(target), there)
    if (place === undefined) throw new Error(`${page} links to ${link}, which is not in the package: name it instead, or have it packed`)
    return posix.relative(from, place) || '.'
  }
  const linked = (it: string) =>
    it.replace(LINK, (whole, link: string, anchor = '') => (/^[a-z]+:/.test(link) ? whole : `](${leading(link)}${anchor})`))
  return text
    .split(CODE)
    .map((it) => (it.startsWith('```') ? it : linked(it)))
    .join('')
}

/** Where a file of the repository lies in the package, if it is in it. */
function placeOf(path: string): string | undefined {
  if (OWN_PAGE.test(path)) return path
  return path.startsWith(`${SDK_FOLDER}/`) ? posix.relative(SDK_FOLDER, path) : undefined
}

function placeInPackage(place: string | undefined, there: ReadonlySet<string>): string | undefined {
  if (place === undefined) return undefined
  // Of what is compiled the comments are in the declarations.
  const candidates = [place, place.replace(/\.ts$/, '.d.ts')]
  return candidates.find((it) => there.has(it)) ?? ([...there].some((it) => it.startsWith(`${place}/`)) ? place : undefined)
}

async function publishedBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((it) => it.isFile()).map((it) => relative(folder, join(it.parentPath, it.name)))
  return paths.filter(
    (path) => !path.includes('node_modules') && (path === 'README.md' || /^docs\/.*\.md$/.test(path) || path.startsWith('examples/')),
  )
}
