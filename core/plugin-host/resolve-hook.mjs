/**
 * Module hook, run by Node beside the loader: gives every module of a plugin the generation of the module that imports it,
 * so that a reload reads all its files anew, and leads every plugin to the host's own copy of the SDK, so that `instanceof`
 * holds wherever the plugin's folder is. Plain JavaScript: tsx is not there yet where hooks are loaded.
 */
const SDK = '@beaconfire/plugin-sdk'
const GENERATION = /[?&]gen=(\w+)/

/** Plugin folders as file URLs that end in '/'. */
const roots = new Set()
let host = ''

export function initialize({ port, hostUrl }) {
  host = hostUrl
  port.on('message', ({ id, add, remove }) => {
    if (add) roots.add(add)
    if (remove) roots.delete(remove)
    port.postMessage({ id })
  })
  port.unref()
}

export async function resolve(specifier, context, next) {
  const parent = context.parentURL?.split('?')[0]
  const root = parent && [...roots].find((it) => parent.startsWith(it))
  if (!root) return next(specifier, context)
  if (specifier === SDK || specifier.startsWith(`${SDK}/`)) return next(specifier, { ...context, parentURL: host })
  const resolved = await next(specifier, context)
  const generation = GENERATION.exec(context.parentURL)?.[1]
  const { url } = resolved
  // A plugin's own node_modules are shared by all its generations.
  if (!generation || !url.startsWith(root) || url.slice(root.length).includes('node_modules/') || GENERATION.test(url)) return resolved
  return { ...resolved, url: `${url}${url.includes('?') ? '&' : '?'}gen=${generation}` }
}
