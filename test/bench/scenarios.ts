/** All scenarios, in the order they run. A new one is an entry here; a new kind of load is a workload of the generator besides. */
import type { LoginsWorkload, Mechanism, MessagesWorkload, Offenders, PresenceWorkload, Workload } from './generator/request.js'
import { BYSTANDING_USERS } from './generator/workloads/messages.js'
import { accountsOf } from './generator/workloads/offenders.js'
import type { InterceptorLoad, Keeper, ServerVariant } from './servers/bench-server.js'

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

function logins(mechanism: Mechanism): LoginsWorkload {
  return { kind: 'logins', users: 2000, concurrency: 20, mechanism }
}

function relogins(mechanism: Mechanism): Scenario {
  const name = `relogins-${mechanism === 'PLAIN' ? 'plain' : 'scram'}`
  return { name, description: `2,000 who have logged in before, again with ${mechanism}`, workload: { ...logins(mechanism), areKnown: true } }
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

/** Peers are measured with their archives beside our chat log. */
function kept(name: string, window: number, what: string, keepers: readonly Keeper[]): Scenario {
  const inFlight = `${window} in flight, ${what}`
  return { name: `messages-${name}`, description: inFlight, workload: messages(window, 1000), variant: { archive: 'sql', keepers }, ours: true }
}

function presence(contacts: number, broadcasts: number): PresenceWorkload {
  return { kind: 'presence', contacts, broadcasts, window: 2, warmup: 5 }
}

function grown(name: string, description: string, workload: Workload, variant?: ServerVariant): Scenario {
  return { name: `growth-${name}`, group: 'growth', description, workload, variant, ours: true, onDemand: true }
}

function longEvent(name: string, description: string, workload: Workload): Scenario {
  return { name, group: 'long-events', description, workload, ours: true, onDemand: true }
}

/** What the figures of the others lose to offenders is to be no more than they lose to `hostile-allowed`. The limits are those of the defaults. */
function hostile(name: string, description: string, offenders?: Offenders): Scenario {
  return {
    name: `hostile-${name}`,
    group: 'hostile',
    description: `1,000 messages a second, ${description}`,
    workload: { ...messages(1, 0), pace: { rate: 1000, seconds: 25 }, offenders },
    variant: { limits: { floodSeconds: 10 } },
    ours: true,
    onDemand: true,
  }
}

/** Beside `interceptors-10-sync`, which is the same with the flight recorder off. */
function recorded(name: string, rate: number): Scenario {
  return {
    name: `interceptors-recorder-${name}`,
    group: 'interceptors',
    description: `messages, 10 in flight, 10 interceptors, flight recorder on for ${rate * 100} % of the stanzas`,
    workload: messages(10, 1000),
    variant: { interceptors: { count: 10, style: 'sync', matching: true }, recorder: rate },
    ours: true,
  }
}

/** 25,000 messages a second are about half of what a core can do. */
const DURABILITY_RATES = [2000, 25_000] as const

/** Recipients acknowledge what they get, and senders ask for acknowledgements: without that there is next to nothing to journal. */
function durable(database: 'sqlite' | 'mysql', durability: 'strict' | 'fast', rate?: (typeof DURABILITY_RATES)[number]): Scenario {
  const work = messages(10, 1000)
  return {
    name: `durability-${rate === undefined ? 'w10' : `rate${rate}`}-${database}-${durability}`,
    group: 'durability',
    description: `${rate === undefined ? '10 in flight' : `${rate} a second`}, acknowledged (XEP-0198), ${durability} on ${database}`,
    workload: { ...work, ...(rate !== undefined && { pace: { rate, seconds: 6 } }), isAcknowledged: true },
    variant: { durability, ...(database === 'mysql' ? { database } : {}) },
    ours: true,
    onDemand: true,
  }
}

const DURABILITY: readonly Scenario[] = [undefined, ...DURABILITY_RATES].flatMap((rate) =>
  (['sqlite', 'mysql'] as const).flatMap((database) => (['strict', 'fast'] as const).map((it) => durable(database, it, rate))),
)

const OFFLINE: Workload = { kind: 'offline', users: 50, perUser: 200, senders: 10, bytes: BYTES, concurrency: 20 }
const IDLE: Workload = { kind: 'idle', connections: 3000, concurrency: 20, holdSeconds: 3 }

const ALWAYS: readonly Scenario[] = [
  { name: 'logins-scram', description: '2,000 logins with SCRAM-SHA-1, 20 at a time', workload: logins('SCRAM-SHA-1') },
  { name: 'logins-plain', description: '2,000 logins with PLAIN, 20 at a time', workload: logins('PLAIN') },
  relogins('SCRAM-SHA-1'),
  relogins('PLAIN'),
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
  ...[1, 10].map((window) => kept(`w${window}-mam`, window, 'archives of both sides (XEP-0313) in SQL', ['mam'])),
  kept('w10-mam-chatlog', 10, 'archives of both sides and chat log, as installed', ['mam', 'chatlog']),
  { name: 'offline', description: '10,000 messages stored, then delivered at login', workload: OFFLINE },
  {
    name: 'presence',
    description: 'status changes to 200 contacts, deliveries counted',
    workload: presence(200, 600),
  },
  { name: 'idle', description: '3,000 sessions that do nothing', workload: IDLE },
  { name: 'idle-tls', description: '3,000 sessions in TLS that do nothing', workload: IDLE, variant: { tls: true } },
  interceptors({ count: 0, style: 'sync', matching: true }),
  ...[1, 10, 50].flatMap((count) => [
    interceptors({ count, style: 'sync', matching: false }),
    interceptors({ count, style: 'sync', matching: true }),
    interceptors({ count, style: 'async', matching: true }),
  ]),
  recorded('some', 0.01),
  recorded('all', 1),
]

/** What becomes of the figures when there is more of everything; on demand, since they take minutes. */
const GROWTH: readonly Scenario[] = [
  ...[100, 1000, 10_000].map((sessions) =>
    grown(`sessions-${sessions}`, `50 pairs, 10 in flight, ${sessions} sessions in all`, {
      ...messages(10, 4000),
      pairs: 50,
      bystanders: sessions - 100,
    }),
  ),
  // One change at a time: of two that are read together, all that goes to 200 contacts is written together, and less of what goes to 2,000.
  ...[200, 2000].map((contacts) =>
    grown(`contacts-${contacts}`, `status changes to ${contacts} contacts, one at a time`, { ...presence(contacts, 200_000 / contacts), window: 1 }),
  ),
  ...[10_000, 5_000_000].map((chatLog) =>
    grown(`chatlog-${chatLog}`, `10 in flight, chat log that holds ${chatLog} messages`, messages(10, 1000), { archive: 'sql', rows: { chatLog } }),
  ),
  ...[10_000, 5_000_000].map((chatLog) =>
    grown(`queries-${chatLog}`, `queries of a chat log of ${chatLog} messages`, { kind: 'queries', each: 50 }, { archive: 'sql', rows: { chatLog } }),
  ),
  ...[0, 1_000_000].map((offline) => grown(`offline-${offline}`, `offline messages beside ${offline} of others`, OFFLINE, { rows: { offline } })),
]

/** What is much at once: the longest the event loop was kept is what to look at. */
const LONG_EVENTS: readonly Scenario[] = [
  longEvent('login-storm', '2,000 logins with SCRAM-SHA-1 at once', { ...logins('SCRAM-SHA-1'), concurrency: 2000 }),
  longEvent('long-roster', 'a roster of 5,000 items', { kind: 'roster', contacts: 5000, requests: 50 }),
  longEvent('wide-broadcast', 'one status change to 10,000 sessions', { ...presence(2000, 10), resources: 5, window: 1, warmup: 1 }),
]

const HOSTILE: readonly Scenario[] = [
  hostile('nobody', 'nobody else there'),
  hostile('allowed', '10 clients send all that they may, 200 stanzas of half a megabyte a second, and are read', { conduct: 'allowed', count: 10 }),
  hostile('deaf', '10 clients that others send half a megabyte a second read nothing', { conduct: 'deaf', count: 10, mustBeClosed: true }),
  hostile('flood', '10 clients send a megabyte a second', { conduct: 'flood', count: 10, mustBeClosed: true }),
  hostile('large', '10 clients send stanzas of the largest size', { conduct: 'large', count: 10 }),
  hostile('newcomers', '10,000 connections that never log in', { conduct: 'newcomers', count: 10_000 }),
]

export const SCENARIOS: readonly Scenario[] = [...ALWAYS, ...GROWTH, ...LONG_EVENTS, ...HOSTILE, ...DURABILITY]

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
    case 'roster':
      return { ...workload, contacts: 50, requests: 10 }
    case 'queries':
      return { ...workload, each: 10 }
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
      return {
        accounts: 2 * workload.pairs + (workload.bystanders ? BYSTANDING_USERS : 0) + (workload.offenders ? accountsOf(workload.offenders) : 0),
        contacts: 0,
      }
    case 'offline':
      return { accounts: workload.users + workload.senders, contacts: 0 }
    case 'idle':
      return { accounts: workload.connections, contacts: 0 }
    case 'roster':
      return { accounts: 1, contacts: 0 }
    case 'presence':
      return { accounts: workload.contacts + 1, contacts: workload.contacts }
    case 'queries':
      return { accounts: 0, contacts: 0 }
    case 'provision':
      return { accounts: workload.accounts, contacts: workload.contacts }
  }
}
