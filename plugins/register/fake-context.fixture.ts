/** For tests: what the plugin is given by core, with accounts in a Map and everything it does written down. */
import {
  type Account,
  AccountConflict,
  AccountMissing,
  type ClientSession,
  type ConnectedSession,
  type Contributions,
  type Element,
  Iq,
  iq,
  Jid,
  PasswordRefused,
  type PluginContext,
  parseElement,
  type UserRegistered,
} from '@beaconfire/plugin-sdk'
import type { RegisterConfig } from './config.js'
import plugin from './index.js'

export const defaults: RegisterConfig = {
  enabled: true,
  passwordChange: true,
  accountRemoval: true,
  fields: ['name', 'email'],
  requiredFields: [],
  instructions: 'Fill in.',
  minPasswordLength: 1,
  perAddressPerHour: 20,
}

interface Stored {
  password: string
  name: string | undefined
  email: string | undefined
}

export class FakeServer {
  readonly stored = new Map<string, Stored>()
  readonly registered: UserRegistered[] = []
  /** What happened to sessions, in order. */
  readonly events: string[] = []
  readonly contributions: Contributions

  constructor(config: Partial<RegisterConfig> = {}, limitsEnabled = true) {
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    const context = {
      domain: Jid.parse('test'),
      config: { ...defaults, ...config },
      limitsEnabled,
      log,
      accounts: this.#accounts(),
      registered: (fact: UserRegistered) => void this.registered.push(fact),
    }
    this.contributions = plugin.setup(context as unknown as Parameters<typeof plugin.setup>[0])
  }

  /** Asks before login. @throws StanzaError, also when the handler rejects */
  async ask(type: 'get' | 'set', query: string, remoteAddress = '192.0.2.1'): Promise<Element | undefined | void> {
    const payload = parseElement(query)
    const session = { kind: 'connected', id: '1', jid: Jid.parse('test/1'), remoteAddress, secure: true, close() {} } as unknown as ConnectedSession
    return this.contributions.preAuthIqHandlers?.[0]?.handle({ iq: iq({ type, id: '1' }, payload), payload, session })
  }

  /** Asks as a user who is logged in. */
  async askAs(user: string, type: 'get' | 'set', query: string): Promise<Element | undefined | void> {
    const payload = parseElement(query)
    const request = iq({ type, id: '1', from: `${user}@test/home` }, payload)
    const session = this.#session(user)
    return this.contributions.iqHandlers?.[0]?.handle({ iq: request, payload, session, target: 'server', account: undefined, hold() {}, answer() {} })
  }

  #session(user: string): ClientSession {
    return {
      kind: 'client',
      jid: Jid.parse(`${user}@test/home`),
      remoteAddress: '192.0.2.1',
      deliver: (stanza: unknown) => {
        if (stanza instanceof Iq) this.events.push(`${stanza.type} to ${stanza.to}`)
        return true
      },
      close: (condition?: string) => void this.events.push(`closed with ${condition}`),
    } as unknown as ClientSession
  }

  #accounts(): Partial<PluginContext['accounts']> {
    const { stored, events } = this
    const existing = (username: string) => {
      const found = stored.get(username)
      if (!found) throw new AccountMissing('no such account')
      return found
    }
    return {
      find: async (username) => {
        const found = stored.get(username)
        return found && ({ username, ...found } as unknown as Account)
      },
      create: async ({ username, password, name, email }) => {
        if (stored.has(username)) throw new AccountConflict('taken')
        if (password === 'forbidden') throw new PasswordRefused('refused')
        stored.set(username, { password, name, email })
        return { username } as Account
      },
      setPassword: async (username, password) => {
        existing(username).password = password
      },
      update: async (username, changes) => Object.assign(existing(username), changes) as unknown as Account,
      remove: async (username, details) => {
        existing(username)
        stored.delete(username)
        events.push(details?.except ? 'removed, asking session spared' : 'removed')
      },
    }
  }
}
