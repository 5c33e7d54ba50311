/** Watches the plugin folders and tells which entry of one has changed and come to rest. What changed the host finds out itself. */
import { stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Logger } from '@beaconfire/plugin-sdk'
import { type FSWatcher, watch } from 'chokidar'
import { isIgnoredName } from './find-plugins.js'

/** An entry has come to rest when nothing in it changed for so long, in ms: a folder being copied is not loaded by halves. */
const SETTLE_MS = 100
/** How often is looked whether a watched folder was made, or removed and made anew: watchers fall silent for good then. */
const REARM_MS = 250
/** Deep enough for a plugin's sources, shallow enough for a folder full of pictures. */
const DEPTH = 8

interface WatchedRoot {
  readonly folder: string
  identity: string | undefined
  watcher: FSWatcher | undefined
}

export class PluginWatcher {
  readonly #roots: WatchedRoot[]
  readonly #settling = new Map<string, NodeJS.Timeout>()
  readonly #onSettled: (source: string | undefined) => void
  readonly #log: Logger
  #rearm: NodeJS.Timeout | undefined
  #isClosed = false
  #markClosed: () => void = () => undefined
  readonly #whenClosed = new Promise<void>((resolve) => {
    this.#markClosed = resolve
  })

  /** @param onSettled given the entry (folder or file right in a watched folder), or undefined when anything may have changed */
  constructor(folders: readonly string[], onSettled: (source: string | undefined) => void, log: Logger) {
    this.#roots = folders.map((folder) => ({ folder, identity: undefined, watcher: undefined }))
    this.#onSettled = onSettled
    this.#log = log
  }

  /** Resolves when all folders that exist are watched. */
  async start(): Promise<void> {
    await this.#armAll()
    this.#scheduleRearm()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#rearm)
    for (const timer of this.#settling.values()) clearTimeout(timer)
    this.#settling.clear()
    this.#markClosed()
    for (const root of this.#roots) await root.watcher?.close()
  }

  #scheduleRearm(): void {
    if (this.#isClosed) return
    this.#rearm = setTimeout(() => void this.#armAll().then(() => this.#scheduleRearm()), REARM_MS)
  }

  /** Never rejects. */
  async #armAll(): Promise<void> {
    await Promise.all(
      this.#roots.map((root) =>
        this.#arm(root).catch((error: unknown) => this.#log.error({ folder: root.folder, error }, 'plugins folder cannot be watched')),
      ),
    )
  }

  async #arm(root: WatchedRoot): Promise<void> {
    const identity = await identityOf(root.folder)
    if (identity === root.identity || this.#isClosed) return
    root.identity = identity
    await root.watcher?.close()
    root.watcher = undefined
    if (identity !== undefined && !this.#isClosed) {
      const watcher = watch(root.folder, { ignoreInitial: true, depth: DEPTH, ignored: (path) => isIgnoredPath(root.folder, path) })
      root.watcher = watcher
      watcher.on('all', (_, path) => this.#changed(root.folder, path))
      watcher.on('error', (error) => this.#log.error({ folder: root.folder, error }, 'watching the plugins folder failed'))
      // Closed while it was being made ready, it never gets ready.
      await Promise.race([this.#whenClosed, new Promise<void>((resolve) => watcher.once('ready', resolve))])
    }
    // What came or went while nobody watched.
    this.#poke(undefined)
  }

  #changed(folder: string, path: string): void {
    const name = relative(folder, path).split(sep)[0]
    this.#poke(name ? join(folder, name) : undefined)
  }

  #poke(source: string | undefined): void {
    if (this.#isClosed) return
    const key = source ?? ''
    clearTimeout(this.#settling.get(key))
    const settled = () => {
      this.#settling.delete(key)
      this.#onSettled(source)
    }
    this.#settling.set(key, setTimeout(settled, SETTLE_MS))
  }
}

function isIgnoredPath(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way.split(sep).some(isIgnoredName)
}

/** Tells a folder from another that was made later under the same path. */
async function identityOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeMs } = await stat(folder)
    return [dev, ino, birthtimeMs].join()
  } catch {
    // Not there, or not readable: looked for again at the next turn.
    return undefined
  }
}
