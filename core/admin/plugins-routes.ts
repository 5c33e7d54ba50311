/** `/plugins`: what is loaded, what is wrong with what is not, and how its interceptors fare. */
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { InterceptorStatus } from '../pipeline/guarded-interceptor.js'
import { PackageRefused, type PluginControl, PluginLoadFailed, PluginMissing, type PluginStatus } from '../plugin-host/registries.js'
import { interceptorSchema } from './interceptors-routes.js'

export const pluginSchema = Type.Object({
  name: Type.String(),
  version: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  state: Type.String({ description: 'running, failed, loading, disabled or unloaded' }),
  folder: Type.Optional(Type.String()),
  error: Type.Optional(Type.String({ description: 'why the last load failed; while running, why a newer version is not' })),
  warning: Type.Optional(Type.String({ description: 'what should be done though it runs: its tables are of a later version than it knows' })),
  loadedAt: Type.Optional(Type.String({ format: 'date-time' })),
  reloads: Type.Integer(),
  staleVersions: Type.Integer({ description: 'versions that have stopped and are still held by something: a leak of the plugin' }),
  requires: Type.Array(Type.String()),
  provides: Type.Array(Type.String()),
  contributions: Type.Record(Type.String(), Type.Array(Type.String())),
  interceptors: Type.Array(interceptorSchema),
})
const listSchema = Type.Object({ items: Type.Array(pluginSchema) })
export const proofSchema = Type.Object({
  sha256: Type.Optional(Type.String({ description: 'of the file, in hexadecimal digits; needed unless plugins.trustedKeys are configured' })),
  signature: Type.Optional(Type.String({ description: 'Ed25519, of the file by one of plugins.trustedKeys, in base64' })),
})
/** Of an uploaded package. */
export const MAX_PACKAGE_BYTES = 16 * 1024 * 1024
const byName = Type.Object({ name: Type.String({ minLength: 1 }) })

export function pluginsRoutes(plugins: PluginControl, interceptors: () => readonly InterceptorStatus[] = () => []): AdminRoute[] {
  const view = (status: PluginStatus) => pluginView(status, interceptors)
  return [
    adminRoute({
      method: 'GET',
      path: '/plugins',
      summary: 'Lists plugins with their state',
      response: listSchema,
      handle: () => ({ items: plugins.list().map(view) }),
    }),
    adminRoute({
      method: 'GET',
      path: '/plugins/:name',
      summary: 'One plugin',
      params: byName,
      response: pluginSchema,
      handle({ params }) {
        const status = plugins.find(params.name)
        if (!status) throw missing()
        return view(status)
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/plugins/:name/reload',
      summary: 'Loads a plugin again from its folder; where that fails the version before serves on',
      params: byName,
      response: pluginSchema,
      handle: async ({ params }) => view(await refusalsOf(() => plugins.reload(params.name))),
    }),
    adminRoute({
      method: 'POST',
      path: '/plugins',
      summary: 'Installs or replaces a plugin packed with npm pack; where the new version fails the one before serves on',
      query: proofSchema,
      upload: { maxBytes: MAX_PACKAGE_BYTES },
      response: pluginSchema,
      async handle({ query, body }) {
        if (!(body instanceof Uint8Array)) throw new AdminError(400, 'package-refused', 'send the package as the body')
        return view(await refusalsOf(() => plugins.install(body, query)))
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/plugins/rescan',
      summary: 'Looks through the plugin folders now',
      response: listSchema,
      handle: async () => ({ items: (await plugins.rescan()).map(view) }),
    }),
  ]
}

export function pluginView(status: PluginStatus, interceptors: () => readonly InterceptorStatus[]) {
  return {
    ...status,
    loadedAt: status.loadedAt?.toISOString(),
    interceptors: interceptors().filter((it) => it.plugin === status.name),
  }
}

/** Turns what a plugin host refuses into what the admin API answers. */
export async function refusalsOf<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PackageRefused) throw new AdminError(400, 'package-refused', error.message)
    if (error instanceof PluginMissing) throw new AdminError(404, 'plugin-not-found', error.message)
    if (error instanceof PluginLoadFailed) throw new AdminError(422, 'plugin-load-failed', error.message)
    throw error
  }
}

function missing(): AdminError {
  return new AdminError(404, 'plugin-not-found', 'there is no such plugin')
}
