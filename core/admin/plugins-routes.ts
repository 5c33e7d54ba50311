/** `/plugins`: what is loaded, what is wrong with what is not, and how its interceptors fare. */
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { InterceptorStatus } from '../pipeline/guarded-interceptor.js'
import { type PluginControl, PluginLoadFailed, PluginMissing, type PluginStatus } from '../plugin-host/registries.js'
import { interceptorSchema } from './interceptors-routes.js'

const pluginSchema = Type.Object({
  name: Type.String(),
  version: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  state: Type.String({ description: 'running, failed, loading, disabled or unloaded' }),
  folder: Type.Optional(Type.String()),
  error: Type.Optional(Type.String({ description: 'why the last load failed; while running, why a newer version is not' })),
  loadedAt: Type.Optional(Type.String({ format: 'date-time' })),
  reloads: Type.Integer(),
  requires: Type.Array(Type.String()),
  provides: Type.Array(Type.String()),
  contributions: Type.Record(Type.String(), Type.Array(Type.String())),
  interceptors: Type.Array(interceptorSchema),
})
const listSchema = Type.Object({ items: Type.Array(pluginSchema) })
const byName = Type.Object({ name: Type.String({ minLength: 1 }) })

export function pluginsRoutes(plugins: PluginControl, interceptors: () => readonly InterceptorStatus[] = () => []): AdminRoute[] {
  const view = (status: PluginStatus) => ({
    ...status,
    loadedAt: status.loadedAt?.toISOString(),
    interceptors: interceptors().filter((it) => it.plugin === status.name),
  })
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
      handle: async ({ params }) => view(await reload(plugins, params.name)),
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

async function reload(plugins: PluginControl, name: string): Promise<PluginStatus> {
  try {
    return await plugins.reload(name)
  } catch (error) {
    if (error instanceof PluginMissing) throw missing()
    if (error instanceof PluginLoadFailed) throw new AdminError(422, 'plugin-load-failed', error.message)
    throw error
  }
}

function missing(): AdminError {
  return new AdminError(404, 'plugin-not-found', 'there is no such plugin')
}
