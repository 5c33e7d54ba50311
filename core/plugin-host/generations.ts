/** Imports a plugin's folder anew as often as asked: each attempt is a generation of modules of its own (see resolve-hook.mjs). */
import { once } from 'node:events'
import { register } from 'node:module'
import { sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessageChannel, type MessagePort } from 'node:worker_threads'

// Module hooks and the module cache belong to the process, so what numbers generations does too, however many hosts there are.
let hookPort: MessagePort | undefined
let lastGeneration = 0
let lastMessage = 0
let underWay = 0
const knownRoots = new Set<string>()
const triedAsCompiled = new Set<string>()
/** A server that runs from its sources was started with tsx. */
let typeScript: Promise<void> | undefined = import.meta.url.split('?')[0]?.endsWith('.ts') ? Promise.resolve() : undefined

/**
 * Imports what was compiled together with the server. The first time it needs no hook, and so, in most processes, no thread for hooks.
 * @throws whatever the module throws, and the loader's errors
 */
export async function importCompiled(folder: string, file: string): Promise<Record<string, unknown>> {
  if (triedAsCompiled.has(file)) return importAnew(folder, file)
  triedAsCompiled.add(file)
  return (await import(pathToFileURL(file).href)) as Record<string, unknown>
}

/**
 * Imports `file` of the plugin in `folder`, with all that it imports from there, as if never imported before. Never freed again by Node.
 * @param folder real path, symbolic links resolved
 * @throws whatever the module throws, and the loader's errors
 */
export async function importAnew(folder: string, file: string): Promise<Record<string, unknown>> {
  if (file.endsWith('.ts')) await understandTypeScript()
  const root = rootUrl(folder)
  if (!knownRoots.has(root)) {
    await tellHook({ add: root })
    knownRoots.add(root)
  }
  // A new number for each attempt: Node 20 remembers a failed import for ever.
  lastGeneration++
  return (await import(`${pathToFileURL(file).href}?gen=${lastGeneration}`)) as Record<string, unknown>
}

/** Modules of this folder are no plugin's any more. */
export async function forgetRoot(folder: string): Promise<void> {
  const root = rootUrl(folder)
  if (knownRoots.delete(root)) await tellHook({ remove: root })
}

function rootUrl(folder: string): string {
  return pathToFileURL(folder + sep).href
}

async function tellHook(message: { readonly add?: string; readonly remove?: string }): Promise<void> {
  const port = (hookPort ??= registerHook())
  const id = ++lastMessage
  // The port keeps the process alive only while an answer is awaited.
  if (underWay++ === 0) port.ref()
  try {
    port.postMessage({ ...message, id })
    for (;;) {
      const [answer] = (await once(port, 'message')) as [{ readonly id: number }]
      if (answer.id === id) return
    }
  } finally {
    if (--underWay === 0) port.unref()
  }
}

function understandTypeScript(): Promise<void> {
  typeScript ??= registerTypeScript()
  return typeScript
}

/** Hooks run from the last registered to the first, and ours must run before those of tsx: it is registered once more. */
async function registerTypeScript(): Promise<void> {
  const tsx = await import('tsx/esm/api')
  tsx.register()
  if (!hookPort) return
  await Promise.all([...knownRoots].map((root) => tellHook({ remove: root })))
  hookPort = undefined
  for (const root of knownRoots) await tellHook({ add: root })
}

/** Must come after tsx has registered its own hooks. */
function registerHook(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const data = { port: port2, hostUrl: import.meta.url.split('?')[0] }
  register('./resolve-hook.mjs', { parentURL: import.meta.url, data, transferList: [port2] })
  port1.setMaxListeners(0)
  return port1
}
