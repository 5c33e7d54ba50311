/** `/plugins/:name/shadow`: a new version of a plugin beside the one that runs, compared with it, and promoted or dropped. */
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { InterceptorStatus } from '../pipeline/guarded-interceptor.js'
import type { PluginControl, ShadowStatus } from '../plugin-host/registries.js'
import { MAX_PACKAGE_BYTES, pluginSchema, pluginView, proofSchema, refusalsOf } from './plugins-routes.js'

const byName = Type.Object({ name: Type.String({ minLength: 1 }) })
const bodies = Type.Boolean({
  default: false,
  description: 'show what is said where versions differ, in texts of errors too; otherwise only how long texts are',
})
const outcomeSchema = Type.Object({
  verdict: Type.String({ description: 'passed, rejected, failed or not-called' }),
  detail: Type.Optional(Type.String({ description: 'condition of a rejection; of an error its text with `bodies`, otherwise its class' })),
  packet: Type.String({ description: 'the stanza afterwards' }),
  ms: Type.Number(),
})
const shadowSchema = Type.Object({
  plugin: Type.String(),
  version: Type.String(),
  folder: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  interceptors: Type.Array(Type.String()),
  notes: Type.Array(Type.String(), { description: 'what was left out of its start, since it would have acted' }),
  counts: Type.Object({
    compared: Type.Integer(),
    same: Type.Integer(),
    differentVerdicts: Type.Integer(),
    differentRewrites: Type.Integer(),
    failures: Type.Integer({ description: 'calls of the shadow that failed' }),
    dropped: Type.Integer({ description: 'stanzas that the shadow could not keep up with' }),
    liveMs: Type.Number({ description: 'time spent in the interceptors that serve' }),
    shadowMs: Type.Number({ description: 'time spent in those of the shadow' }),
    slowestShadowMs: Type.Number(),
    denied: Type.Record(Type.String(), Type.Integer(), { description: 'what the shadow wanted to do and was not let, and how often' }),
  }),
  differences: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time' }),
      kind: Type.String({ description: 'verdict or rewrite' }),
      interceptor: Type.String(),
      stage: Type.String(),
      jid: Type.String(),
      stanzaId: Type.Optional(Type.String()),
      before: Type.String(),
      live: outcomeSchema,
      shadow: outcomeSchema,
    }),
    { description: 'the last ones, newest first' },
  ),
})

export function shadowRoutes(plugins: PluginControl, interceptors: () => readonly InterceptorStatus[]): AdminRoute[] {
  return [
    adminRoute({
      method: 'POST',
      path: '/plugins/:name/shadow',
      summary: 'Puts the version in a folder of this machine beside the plugin: it sees copies of what the plugin sees, and does nothing',
      params: byName,
      body: Type.Object({ folder: Type.String({ minLength: 1 }), bodies }),
      response: shadowSchema,
      handle: async ({ params, body }) =>
        view(await refusalsOf(() => plugins.startShadow(params.name, { folder: body.folder }, { bodies: body.bodies }))),
    }),
    adminRoute({
      method: 'POST',
      path: '/plugins/:name/shadow/package',
      summary: 'The same with a version packed with npm pack',
      params: byName,
      query: Type.Object({ ...proofSchema.properties, bodies }),
      upload: { maxBytes: MAX_PACKAGE_BYTES },
      response: shadowSchema,
      async handle({ params, query, body }) {
        if (!(body instanceof Uint8Array)) throw new AdminError(400, 'package-refused', 'send the package as the body')
        return view(await refusalsOf(() => plugins.startShadow(params.name, { file: body, proof: query }, { bodies: query.bodies })))
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/plugins/:name/shadow',
      summary: 'How the shadow compares with the plugin so far',
      params: byName,
      response: shadowSchema,
      handle({ params }) {
        const status = plugins.shadowStatus(params.name)
        if (!status) throw missing()
        return view(status)
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/plugins/:name/shadow/promote',
      summary: 'Installs the shadow in place of the version that runs; where it does not run the one before serves on',
      params: byName,
      response: pluginSchema,
      handle: async ({ params }) => pluginView(await refusalsOf(() => plugins.promoteShadow(params.name)), interceptors),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/plugins/:name/shadow',
      summary: 'Ends the shadow',
      params: byName,
      async handle({ params }) {
        if (!(await plugins.endShadow(params.name))) throw missing()
      },
    }),
  ]
}

function view({ startedAt, differences, ...rest }: ShadowStatus) {
  return {
    ...rest,
    startedAt: startedAt.toISOString(),
    differences: differences.map(({ at, ...difference }) => ({ ...difference, at: new Date(at).toISOString() })),
  }
}

function missing(): AdminError {
  return new AdminError(404, 'shadow-not-found', 'the plugin has no shadow')
}
