/** Writes a new plugin's folder, whole or not at all: a server that watches the folder above never sees half of it. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Place } from './place.js'
import { pluginFiles } from './plugin-files.js'
import { type PluginShape, ShapeRefused } from './plugin-shape.js'

export interface WrittenPlugin {
  readonly folder: string
  /** Its files, as paths in it. */
  readonly files: readonly string[]
}

/** @param into made when absent @throws ShapeRefused (rejects) when there is a folder of that name */
export async function writePlugin(shape: PluginShape, into: string, place: Place): Promise<WrittenPlugin> {
  const folder = join(into, shape.name)
  if (existsSync(folder)) throw new ShapeRefused(`"${folder}" exists already: choose another name, or remove that folder first`)
  const files = pluginFiles(shape, place)
  const underWay = `${folder}.part` // a name that plugin hosts pass over
  await mkdir(into, { recursive: true })
  await mkdir(underWay)
  try {
    for (const [path, content] of files) {
      await mkdir(dirname(join(underWay, path)), { recursive: true })
      await writeFile(join(underWay, path), content)
    }
    await rename(underWay, folder)
  } catch (error) {
    await rm(underWay, { recursive: true, force: true })
    throw error
  }
  return { folder, files: [...files.keys()] }
}
