/** For tests: an admin server that listens, and what it logged and audited. */
import type { TestContext } from 'node:test'
import type { AdminRoute, Logger } from '@beaconfire/plugin-sdk'
import { AdminServer, type AdminServerOptions } from './admin-server.js'

export const TOKEN = 'a-token-for-tests-only'

export interface LogLine {
  readonly fields: Record<string, unknown>
  readonly message: string
}

function listLogger() {
  const errors: LogLine[] = []
  const debugs: LogLine[] = []
  const nothing = () => undefined
  const into = (lines: LogLine[]) => (fields: object, message: string) => void lines.push({ fields: { ...fields }, message })
  const log: Logger = { debug: into(debugs), info: nothing, warn: nothing, error: into(errors), child: () => log }
  return { log, errors, debugs }
}

/** Starts a server on a free port, closed with the test, and calls it with the right token unless told. */
export async function start(t: TestContext, routes: readonly AdminRoute[] = [], options: Partial<AdminServerOptions> = {}) {
  const { log, errors, debugs } = listLogger()
  const acts: { administrator: string; summary: string; details?: string | undefined }[] = []
  const audit = { record: async (entry: (typeof acts)[number]) => void acts.push(entry) }
  const server = new AdminServer({ host: '127.0.0.1', port: 0, token: TOKEN, dataFolder: 'none', log, audit, ...options })
  server.addRoutes('core', routes)
  const { port } = await server.listen()
  t.after(() => server.close())
  const url = `http://127.0.0.1:${port}`
  const call = (path: string, init: RequestInit & { token?: string | null } = {}) => {
    const { token = TOKEN, ...rest } = init
    const headers = new Headers(rest.headers)
    if (token !== null) headers.set('authorization', `Bearer ${token}`)
    if (typeof rest.body === 'string') headers.set('content-type', 'application/json')
    return fetch(`${url}${path}`, { ...rest, headers })
  }
  return { server, port, url, call, acts, errors, debugs }
}
