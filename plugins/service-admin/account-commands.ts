/** Accounts made, removed, locked and let in again, logged out, given a new password (XEP-0133 §4.1 to §4.7). */
import {
  AccountConflict,
  AccountMissing,
  type Accounts,
  type CommandRequest,
  type FormValues,
  JidError,
  PasswordRefused,
  type Sessions,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { AdminCommand } from './admin-command.js'
import { accountField, accountsField, type Target, type TargetAccounts } from './target-accounts.js'

export interface AccountCollaborators {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly targets: TargetAccounts
}

export function accountCommands(server: AccountCollaborators): AdminCommand[] {
  const { accounts, sessions, targets } = server
  return [
    addUser(server),
    {
      name: 'delete-user',
      title: 'Delete accounts',
      instructions: 'The accounts are removed with all they own.',
      fields: [accountsField],
      async act(values, request) {
        for (const { account } of await others(targets, values, request)) await refusing(() => accounts.remove(account.username))
      },
    },
    ...[true, false].map(
      (disabled): AdminCommand => ({
        name: disabled ? 'disable-user' : 'reenable-user',
        title: disabled ? 'Disable accounts' : 'Re-enable accounts',
        instructions: disabled ? 'The accounts cannot log in any more; their data stays.' : 'The accounts can log in again.',
        fields: [accountsField],
        async act(values, request) {
          for (const { account } of await others(targets, values, request)) await refusing(() => accounts.setDisabled(account.username, disabled))
        },
      }),
    ),
    {
      name: 'end-user-session',
      title: 'End sessions',
      instructions: 'All sessions of an account, or one by its full Jabber ID.',
      fields: [accountsField],
      async act(values) {
        for (const { jid } of await targets.several(values)) {
          const ended = jid.isFull ? [sessions.get(jid)] : sessions.ofUser(jid)
          for (const session of ended) session?.close('policy-violation', 'closed by an administrator')
        }
      },
    },
    changePassword(server),
  ]
}

function addUser({ accounts, targets }: AccountCollaborators): AdminCommand {
  return {
    name: 'add-user',
    title: 'Add an account',
    fields: [
      { ...accountField, label: 'The Jabber ID for the account to be added' },
      { name: 'password', type: 'text-private', label: 'The password for this account', required: true },
      { name: 'password-verify', type: 'text-private', label: 'Retype password' },
      { name: 'email', type: 'text-single', label: 'Email address' },
      { name: 'given_name', type: 'text-single', label: 'Given name' },
      { name: 'surname', type: 'text-single', label: 'Family name' },
    ],
    async act(values) {
      const jid = targets.jid(values)
      const password = values.value('password') ?? ''
      if (values.has('password-verify') && values.value('password-verify') !== password) {
        throw new StanzaError('not-acceptable', { text: 'The two passwords differ.' })
      }
      const name = [values.value('given_name'), values.value('surname')].map((it) => it?.trim()).filter(Boolean)
      await refusing(() =>
        accounts.create({ username: jid.local, password, name: name.join(' ') || undefined, email: values.value('email')?.trim() || undefined }),
      )
    },
  }
}

function changePassword({ accounts, targets }: AccountCollaborators): AdminCommand {
  return {
    name: 'change-user-password',
    title: 'Change the password of an account',
    fields: [accountField, { name: 'password', type: 'text-private', label: 'The new password', required: true }],
    async act(values) {
      const { account } = await targets.one(values)
      await refusing(() => accounts.setPassword(account.username, values.value('password') ?? ''))
    },
  }
}

/** @throws StanzaError not-allowed when the administrator is among them: nobody locks themselves out */
async function others(targets: TargetAccounts, values: FormValues, { user }: CommandRequest): Promise<Target[]> {
  const found = await targets.several(values)
  if (found.some(({ jid }) => jid.bare().equals(user.bare()))) throw new StanzaError('not-allowed', { text: 'This is your own account.' })
  return found
}

/** Turns what the account store refuses into what an administrator reads. */
async function refusing(act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (error instanceof AccountConflict) throw new StanzaError('conflict', { text: 'This username is taken.' })
    if (error instanceof AccountMissing) throw new StanzaError('item-not-found')
    if (error instanceof JidError) throw new StanzaError('jid-malformed', { text: error.message })
    if (error instanceof PasswordRefused || error instanceof RangeError) throw new StanzaError('not-acceptable', { text: error.message })
    throw error
  }
}
