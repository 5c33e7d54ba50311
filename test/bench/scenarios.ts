/** All scenarios, in the order they run. A new one is an entry here; a new kind of load is a workload of the generator besides. */
import type { Mechanism, MessagesWorkload, Workload } from './generator/request.js'
import type { InterceptorLoad, ServerVariant } from './servers/bench-server.js'

export interface Scenario {
  readonly name: string
  /** Several scenarios that can be chosen by one name. */
  readonly group?: string
  readonly description: string
  readonly workload: Workload
  /** A smaller load for servers that would take minutes, by name. */
  readonly reduced?: Readonly<Record<string, Workload>>
  readonly variant?: ServerVariant
  /** Servers it can be run on; all unless given. Those of `ours` need what no peer has. */
  readonly ours?: boolean
  /** Left out unless asked for by name. */
  readonly onDemand?: boolean
}

const PAIRS = 100
const BYTES = 100

function logins(mechanism: Mechanism): Workload {
  return { kind: 'logins', users: 2000, concurrency: 20, mechanism }
}

function messages(window: number, each: number, warmup = 50): MessagesWorkload {
  return { kind: 'messages', pairs: PAIRS, bytes: BYTES, warmup, pace: { each, window } }
}

function interceptors(load: InterceptorLoad): Scenario {
  const kind = load.matching ? `${load.style}, matching` : 'of another type'
  return {
    name: load.count === 0 ? 'interceptors-0' : `interceptors-${load.count}-${load.matching ? load.style : 'other'}`,
    group: 'interceptors',
    description: load.count === 0 ? 'messages, 10 in flight, no interceptor' : `messages, 10 in flight, ${load.count} interceptors, ${kind}`,
    workload: messages(10, 1000),
    variant: { interceptors: load },
    ours: true,
  }
}

const OFFLINE: Workload = { kind: 'offline', users: 50, perUser: 200, senders: 10, bytes: BYTES, concurrency: 20 }
const IDLE: Workload = { kind: 'idle', connections: 3000, concurrency: 20, holdSeconds: 3 }

export const SCENARIOS: readonly Scenario[] = [
  { name: 'logins-scram', description: '2,000 logins with SCRAM-SHA-1, 20 at a time', workload: logins('SCRAM-SHA-1') },
  { name: 'logins-plain', description: '2,000 logins with PLAIN, 20 at a time', workload: logins('PLAIN') },
  { name: 'messages-w1', description: '100 pairs, 1 message in flight each', workload: messages(1, 1000) },
  { name: 'messages-w10', description: '100 pairs, 10 messages in flight each', workload: messages(10, 2000) },
  {
    name: 'messages-rate2000',
    description: '2,000 messages a second, sent when due',
    workload: { kind: 'messages', pairs: PAIRS, bytes: BYTES, warmup: 50, pace: { rate: 2000, seconds: 6 } },
  },
  {
    name: 'messages-w1-chatlog',
    description: '1 in flight, chat log or archive in SQL',
    workload: messages(1, 1000),
    // SQLite archives of peers wait on the disk: what ours does in a second takes them a minute.
    reduced: { prosody: messages(1, 50, 5), ejabberd: messages(1, 50, 5) },
    variant: { archive: 'sql' },
  },
  {
    name: 'messages-w10-chatlog',
    description: "10 in flight, chat log in SQL, peers' archives in their own store",
    workload: messages(10, 1000),
    reduced: { prosody: messages(10, 100, 10), ejabberd: messages(10, 100, 10) },
    variant: { archive: 'own' },
  },
  { name: 'offline', description: '10,000 messages stored, then delivered at login', workload: OFFLINE },
  {
    name: 'presence',
    description: 'status changes to 200 contacts, deliveries counted',
    workload: { kind: 'presence', contacts: 200, broadcasts: 600, window: 2, warmup: 5 },
  },
  { name: 'idle', description: '3,000 sessions that do nothing', workload: IDLE },
  { name: 'idle-tls', description: '3,000 sessions in TLS that do nothing', workload: IDLE, variant: { tls: true } },
  interceptors({ count: 0, style: 'sync', matching: true }),
  ...[1, 10, 50].flatMap((count) => [
    interceptors({ count, style: 'sync', matching: false }),
    interceptors({ count, style: 'sync', matching: true }),
    interceptors({ count, style: 'async', matching: true }),
  ]),
]

/** By name, or by the name of a group. @throws when there is none of that name */
export function scenariosNamed(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS.filter((it) => !it.onDemand)
  const unknown = names.filter((name) => !SCENARIOS.some((it) => it.name === name || it.group === name))
  if (unknown.length > 0) {
    const known = [...new Set(SCENARIOS.map((it) => it.group ?? it.name))].join(', ')
    throw new RangeError(`no scenario is called ${unknown.join(' or ')}; there are ${known}`)
  }
  return SCENARIOS.filter((it) => names.includes(it.name) || (it.group !== undefined && names.includes(it.group)))
}

/** What this server is to do, smaller where a quick look is enough. */
export function workloadFor(scenario: Scenario, server: string, quick: boolean): Workload {
  const workload = scenario.reduced?.[server] ?? scenario.workload
  return quick ? quickened(workload) : workload
}

/** About a tenth of the work: it shows that all runs, its figures are of a server not warmed up. */
function quickened(workload: Workload): Workload {
  switch (workload.kind) {
    case 'logins':
      return { ...workload, users: 200 }
    case 'messages': {
      const { pace } = workload
      const less = 'rate' in pace ? { ...pace, seconds: 2 } : { ...pace, each: Math.ceil(pace.each / 5) }
      return { ...workload, pairs: 50, warmup: Math.ceil(workload.warmup / 5), pace: less }
    }
    case 'offline':
      return { ...workload, users: 20, perUser: 50 }
    case 'idle':
      return { ...workload, connections: 300, holdSeconds: 1 }
    case 'presence':
      return { ...workload, contacts: 50, broadcasts: 50 }
    case 'provision':
      return workload
  }
}

/** Accounts a workload logs in with, and contacts of the first of them. */
export function needsOf(workload: Workload): { readonly accounts: number; readonly contacts: number } {
  switch (workload.kind) {
    case 'logins':
      return { accounts: workload.users, contacts: 0 }
    case 'messages':
      return { accounts: 2 * workload.pairs, contacts: 0 }
    case 'offline':
      return { accounts: workload.users + workload.senders, contacts: 0 }
    case 'idle':
      return { accounts: workload.connections, contacts: 0 }
    case 'presence':
      return { accounts: workload.contacts + 1, contacts: workload.contacts }
    case 'provision':
      return { accounts: workload.accounts, contacts: workload.contacts }
  }
}
