/** Which console pages there are, and where their files lie. */
import { realpathSync, statSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConsolePage } from '@beaconfire/plugin-sdk'
import { ContributionConflict } from '../plugin-host/registries.js'

const KEBAB_CASE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

export class MountedPage {
  constructor(
    readonly plugin: string,
    readonly name: string,
    readonly title: string,
    /** Real path. */
    readonly folder: string,
  ) {}

  /** Of its `index.html`, on the admin listener. */
  get path(): string {
    return `/console/plugins/${this.plugin}/${this.name}/`
  }

  /**
   * @param path below the page's address, decoded; a folder's `index.html` where it ends in `/`
   * @returns the file's path in the page's folder, symbolic links resolved; undefined for what is not there, is hidden, or lies elsewhere
   */
  async fileAt(path: string): Promise<string | undefined> {
    const parts = path.replace(/(^|\/)$/, '$1index.html').split('/')
    if (parts.some((it) => it === '' || it.startsWith('.'))) return undefined
    try {
      const real = await realpath(join(this.folder, ...parts))
      return real.startsWith(this.folder + sep) && (await stat(real)).isFile() ? relative(this.folder, real) : undefined
    } catch {
      // Not there, or no name of a file at all.
      return undefined
    }
  }
}

export class ConsolePages {
  readonly #pages = new Map<string, MountedPage>()

  /**
   * Adds all of them or none; they are served from now on.
   * @returns the undo, which never fails
   * @throws ContributionConflict when the plugin has a page of that name; TypeError for a page that could not be shown
   */
  add(plugin: string, pages: readonly ConsolePage[]): () => void {
    const added = new Map<string, MountedPage>()
    for (const page of pages) {
      const mounted = mount(plugin, page)
      const taken = added.get(mounted.path) ?? this.#pages.get(mounted.path)
      if (taken) {
        throw new ContributionConflict(
          `plugin "${plugin}" has two console pages named "${page.name}", "${taken.title}" and "${page.title}": give one another name`,
        )
      }
      added.set(mounted.path, mounted)
    }
    for (const [path, page] of added) this.#pages.set(path, page)
    return () => {
      for (const [path, page] of added) if (this.#pages.get(path) === page) this.#pages.delete(path)
    }
  }

  find(plugin: string, name: string): MountedPage | undefined {
    return this.#pages.get(`/console/plugins/${plugin}/${name}/`)
  }

  /** By plugin, each plugin's in its own order. */
  list(): readonly MountedPage[] {
    return [...this.#pages.values()].sort((one, other) => (one.plugin === other.plugin ? 0 : one.plugin < other.plugin ? -1 : 1))
  }
}

function mount(plugin: string, { name, title, folder }: ConsolePage): MountedPage {
  const refuse = (what: string): never => {
    throw new TypeError(`console page "${name}" of plugin "${plugin}": ${what}`)
  }
  if (typeof name !== 'string' || !KEBAB_CASE.test(name)) refuse('its name must be in kebab-case, such as "my-page"')
  if (typeof title !== 'string' || title.trim() === '') refuse('it has no title')
  const path = pathOf(folder) ?? refuse(`its folder must be absolute: new URL('./console', import.meta.url)`)
  if (!isFile(join(path, 'index.html'))) refuse(`there is no index.html in its folder "${path}"`)
  return new MountedPage(plugin, name, title, realpathSync(path))
}

function pathOf(folder: URL | string): string | undefined {
  if (typeof folder === 'string') return isAbsolute(folder) ? folder : undefined
  // A query is left of the address the plugin was imported from.
  return folder instanceof URL && folder.protocol === 'file:' ? fileURLToPath(folder).replace(/[/\\]+$/, '') : undefined
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
