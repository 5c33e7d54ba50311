/** `/interceptors`: how each fares, and the switch that takes one out of the way while its plugin runs on. */
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { InterceptorStatus } from '../pipeline/guarded-interceptor.js'

/** The interceptor chain as an administrator may touch it. */
export interface InterceptorControl {
  /** In order of loading. */
  statuses(): readonly InterceptorStatus[]
  /** @returns false when there is no such interceptor */
  switch(plugin: string, name: string, on: boolean): boolean
}

export const interceptorSchema = Type.Object({
  name: Type.String(),
  plugin: Type.String(),
  band: Type.String({ description: 'guard, transform or observe' }),
  off: Type.Boolean({ description: 'switched off by an administrator; lasts until it is switched on, or the server stops' }),
  breaker: Type.String({ description: 'closed: it is called; open: it is left out after too many failures; half-open: the next stanza tries it' }),
  onError: Type.String({ description: 'open: a stanza goes on without it; closed: it is rejected' }),
  budget: Type.Number({ description: 'ms that one call may take' }),
  calls: Type.Integer(),
  rejections: Type.Integer(),
  errors: Type.Integer(),
  overruns: Type.Integer({ description: 'calls that took longer than the budget' }),
  skipped: Type.Integer({ description: 'calls left out while the breaker was open' }),
  totalMs: Type.Number({ description: 'time spent in it, of which calls that were timed are a sample; of an asynchronous one the synchronous part' }),
  slowestMs: Type.Number({ description: 'the longest that a call that was timed kept the server from anything else' }),
  lastError: Type.Optional(Type.String({ description: 'of the last failure, as the plugin wrote it' })),
})
const one = Type.Object({ plugin: Type.String({ minLength: 1 }), name: Type.String({ minLength: 1 }) })
const query = Type.Object({ plugin: Type.Optional(Type.String({ minLength: 1, description: 'only those of this plugin' })) })

export function interceptorsRoutes(interceptors: InterceptorControl): AdminRoute[] {
  const switchTo = (plugin: string, name: string, on: boolean): InterceptorStatus => {
    const isThere = interceptors.switch(plugin, name, on)
    const status = interceptors.statuses().find((it) => it.plugin === plugin && it.name === name)
    if (!isThere || !status) throw new AdminError(404, 'interceptor-not-found', 'there is no such interceptor')
    return status
  }
  return [
    adminRoute({
      method: 'GET',
      path: '/interceptors',
      summary: 'Lists interceptors with their circuit breakers and counts',
      query,
      response: Type.Object({ items: Type.Array(interceptorSchema) }),
      handle: ({ query: { plugin } }) => ({ items: interceptors.statuses().filter((it) => plugin === undefined || it.plugin === plugin) }),
    }),
    adminRoute({
      method: 'POST',
      path: '/interceptors/:plugin/:name/off',
      summary: 'Leaves an interceptor out, even one without which nothing may pass; reloads of its plugin do not change that',
      params: one,
      response: interceptorSchema,
      handle: ({ params }) => switchTo(params.plugin, params.name, false),
    }),
    adminRoute({
      method: 'POST',
      path: '/interceptors/:plugin/:name/on',
      summary: 'Calls an interceptor again, and closes its circuit breaker',
      params: one,
      response: interceptorSchema,
      handle: ({ params }) => switchTo(params.plugin, params.name, true),
    }),
  ]
}
