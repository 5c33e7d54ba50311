/** The offline-storage plugin over a database in memory, with sessions made by hand. */
import { type ClientSession, iq, Jid, type Message, NS, parseElement, parseStanza, SessionEnded } from '@beaconfire/plugin-sdk'
import type { TestScope } from '@beaconfire/plugin-sdk/testing'
import { openDatabase } from '../../core/database/database.js'
import { createLogger } from '../../core/log.js'
import type { OfflineConfig } from '../../plugins/offline-storage/config.js'
import plugin from '../../plugins/offline-storage/index.js'

const silent = createLogger({ level: 'silent', format: 'json' })
export const juliet = Jid.parse('juliet@test')

/** Its contributions, called as the server would. @param isPatient false: whatever may wait for some time has waited long enough in the next turn */
export async function offlinePlugin(t: TestScope, config: Partial<OfflineConfig> = {}, isPatient = true) {
  const server = await openDatabase({ client: 'sqlite', filename: ':memory:' } as Parameters<typeof openDatabase>[0], '.', silent, 'fast')
  t.after(() => server.close())
  await server.migrate(plugin.name, plugin.tables ?? [])
  const database = server.forPlugin(plugin.name)
  const sessions: ClientSession[] = []
  const warnings: object[] = []
  const log = { ...silent, debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields), child: () => log }
  const context = {
    config: { policy: 'store_and_bounce', quotaBytes: 102_400, retentionDays: 0, ...config },
    database,
    domain: Jid.parse('test'),
    log,
    metrics: { counter: () => ({ increment() {} }), gauge() {} },
    sessions: { ofUser: () => sessions },
    timers: { after: (_: number, run: () => void) => (isPatient ? { cancel() {} } : nextTurn(run)), every: () => ({ cancel() {} }) },
  }
  const { hooks = {}, iqHandlers, adminRoutes, interceptors } = plugin.setup(context as unknown as Parameters<typeof plugin.setup>[0])
  const holds: Promise<unknown>[] = []
  return {
    hooks,
    interceptors,
    sessions,
    holds,
    warnings,
    database,
    rows: async () =>
      (await database.knex('ofOffline').orderBy('messageID')) as { messageID: number; stanza: string; messageSize: number; creationDate: string }[],
    /** A message for Juliet that nobody took. */
    undelivered: (content: string, attributes = 'type="chat"', isGivenBack = false) => {
      const stanza = parseStanza(`<message from="romeo@test/home" to="juliet@test" ${attributes}>${content}</message>`) as Message
      return hooks.messageUndelivered?.({ message: stanza, recipient: juliet, origin: {} as never, isGivenBack, hold: (it) => void holds.push(it) })
    },
    due: async (session: FakeSession) => hooks.keptMessagesDue?.({ session: session as unknown as ClientSession }),
    ask: async (session: FakeSession, type: 'get' | 'set', content: string) => {
      const payload = parseElement(`<offline xmlns="${NS.offline}">${content}</offline>`)
      const request = {
        iq: iq({ type }),
        payload,
        session: session as never,
        target: 'own-account' as const,
        account: juliet,
        hold() {},
        answer() {},
      }
      return iqHandlers?.[0]?.handle(request)
    },
    admin: async (path: string, query: object = {}) =>
      adminRoutes?.find((it) => it.path === path)?.handle({ query, params: {}, body: {}, administrator: 'test' } as never),
  }
}

function nextTurn(run: () => void) {
  const turn = setImmediate(run)
  return { cancel: () => clearImmediate(turn) }
}

/** Takes messages, and can refuse them, end, or be slow to write. */
export class FakeSession {
  readonly kind = 'client'
  readonly jid = juliet.withResource('home')
  readonly got: Message[] = []
  isOpen = true
  isAvailable = true
  acknowledges = false
  priority = 0
  /** Messages taken before it ends. */
  lives = Infinity
  refuses = (_: Message) => false
  flushed = () => Promise.resolve()

  deliver(stanza: Message): boolean {
    if (this.got.length >= this.lives) this.isOpen = false
    if (!this.isOpen || this.refuses(stanza)) return false
    this.got.push(stanza)
    return true
  }
  async whenFlushed(): Promise<void> {
    await this.flushed()
    if (!this.isOpen) throw new SessionEnded('ended')
  }
  get bodies(): (string | undefined)[] {
    return this.got.map((it) => it.body)
  }
}

export const body = (text: string | number) => `<body>${text}</body>`
