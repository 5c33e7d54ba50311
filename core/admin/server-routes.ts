/** `/` and `/server`: what this server is, and how it is doing. */
import { type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'

/** What only the server knows of itself; the process's figures are added here. */
export interface ServerInfo {
  readonly version: string
  readonly domain: string
  /** Sessions that have bound a resource. */
  readonly sessions: number
  /** Client connections, logged in or not. */
  readonly connections: number
  /** Plugins that run. */
  readonly plugins: number
  readonly listeners?: readonly { readonly name: string; readonly host: string; readonly port: number }[]
}

const memorySchema = Type.Object({ rss: Type.Integer(), heapTotal: Type.Integer(), heapUsed: Type.Integer(), external: Type.Integer() })
const serverSchema = Type.Object({
  version: Type.String(),
  domain: Type.String(),
  node: Type.String({ description: 'version of Node.js' }),
  startedAt: Type.String({ format: 'date-time' }),
  uptime: Type.Number({ description: 'seconds' }),
  memory: Type.Object(memorySchema.properties, { description: 'bytes' }),
  sessions: Type.Integer(),
  connections: Type.Integer(),
  plugins: Type.Integer({ description: 'that run' }),
  listeners: Type.Array(Type.Object({ name: Type.String(), host: Type.String(), port: Type.Integer() })),
})

export function serverRoutes(info: () => ServerInfo | Promise<ServerInfo>): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/',
      summary: 'Where to go on from here',
      response: Type.Object({ name: Type.String(), version: Type.String(), documentation: Type.String() }),
      handle: async () => ({ name: 'Beaconfire', version: (await info()).version, documentation: '/api/docs' }),
    }),
    adminRoute({
      method: 'GET',
      path: '/server',
      summary: 'Version, uptime, memory and counts',
      response: serverSchema,
      async handle() {
        const uptime = process.uptime()
        const startedAt = new Date(Date.now() - uptime * 1000).toISOString()
        return { node: process.version, startedAt, uptime, memory: process.memoryUsage(), listeners: [], ...(await info()) }
      },
    }),
  ]
}
