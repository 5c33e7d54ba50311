/** Numbers and lists of users: registered, disabled, online, active, idle (XEP-0133 §4.13 to §4.22). */
import { type Accounts, type CommandOutcome, type FormField, type FormValues, Jid, type Sessions } from '@beaconfire/plugin-sdk'
import { type AdminCommand, result } from './admin-command.js'

const PAGE = 1000
/** What `none` means: a list that is no limit to somebody else. */
const MOST_LISTED = 20_000

const maxItems: FormField = {
  name: 'max_items',
  type: 'list-single',
  label: 'Maximum number of items to show',
  value: '25',
  options: [...['25', '50', '75', '100', '150', '200'].map((value) => ({ label: value, value })), { label: 'None', value: 'none' }],
}

interface UserList {
  readonly what: string
  /** Node of the number; of the list, which is not always named alike. */
  readonly number: string
  readonly list: string
  /** Fields of both. */
  readonly numberField: string
  readonly listField: string
  count(): Promise<number> | number
  /** Up to so many, as bare JIDs. */
  first(limit: number): Promise<readonly Jid[]> | readonly Jid[]
}

export function userLists(accounts: Accounts, sessions: Sessions, domain: Jid): AdminCommand[] {
  const kept = (name: string, disabled?: boolean): UserList => ({
    ...names(name, `get-${name}-users-list`),
    count: () => accounts.count({ disabled }),
    first: (limit) => listed(accounts, domain, limit, disabled),
  })
  const here = (name: string, list: string, which: (users: OnlineUsers) => readonly Jid[]): UserList => ({
    ...names(name, list),
    count: () => which(onlineUsers(sessions)).length,
    first: (limit) => which(onlineUsers(sessions)).slice(0, limit),
  })
  const lists = [
    kept('registered'),
    kept('disabled', true),
    here('online', 'get-online-users-list', ({ active, idle }) => [...active, ...idle]),
    here('active', 'get-active-users', ({ active }) => active),
    // §4.22 names the field of idle users as that of active ones.
    { ...here('idle', 'get-idle-users', ({ idle }) => idle), listField: 'activeuserjids' },
  ]
  return lists.flatMap((it) => [numberCommand(it), listCommand(it)])
}

function names(name: string, list: string) {
  return { what: name, number: `get-${name}-users-num`, list, numberField: `${name}usersnum`, listField: `${name}userjids` }
}

function numberCommand(users: UserList): AdminCommand {
  return {
    name: users.number,
    title: `Get the number of ${users.what} users`,
    isHarmless: true,
    act: async () => result({ name: users.numberField, type: 'text-single', label: `The number of ${users.what} users`, value: await users.count() }),
  }
}

function listCommand(users: UserList): AdminCommand {
  return {
    name: users.list,
    title: `Get a list of ${users.what} users`,
    isHarmless: true,
    fields: [maxItems],
    async act(values): Promise<CommandOutcome> {
      const limit = limitOf(values)
      const found = await users.first(limit + 1)
      const outcome = result({
        name: users.listField,
        type: 'jid-multi',
        label: `The list of ${users.what} users`,
        value: found.slice(0, limit),
      })
      return found.length > limit ? { ...outcome, notes: [{ text: `Only the first ${limit} are shown.` }] } : outcome
    },
  }
}

function limitOf(values: FormValues): number {
  const text = values.value('max_items')
  return text === 'none' || text === undefined ? MOST_LISTED : Number(text)
}

async function listed(accounts: Accounts, domain: Jid, limit: number, disabled: boolean | undefined): Promise<Jid[]> {
  const found: Jid[] = []
  for (let after: string | undefined; found.length < limit; ) {
    const page = await accounts.list({ disabled, after, limit: Math.min(PAGE, limit - found.length) })
    for (const { username } of page) found.push(Jid.of(username, domain.domain))
    if (page.length < PAGE) break
    after = page.at(-1)?.username
  }
  return found
}

interface OnlineUsers {
  readonly active: readonly Jid[]
  readonly idle: readonly Jid[]
}

/** A user is active who shows at least one resource that is not away; who is online and does not is idle. */
function onlineUsers(sessions: Sessions): OnlineUsers {
  const isActive = new Map<Jid, boolean>()
  for (const { jid, presence } of sessions.all()) {
    const user = jid.bare()
    const isHere = presence !== undefined && presence.show !== 'away' && presence.show !== 'xa'
    isActive.set(user, isHere || isActive.get(user) === true)
  }
  const users = [...isActive.keys()]
  return { active: users.filter((user) => isActive.get(user)), idle: users.filter((user) => !isActive.get(user)) }
}
