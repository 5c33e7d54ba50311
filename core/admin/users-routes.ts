/** `/users`: the accounts of the server. */
import {
  type Account,
  AccountConflict,
  AccountMissing,
  type Accounts,
  AdminError,
  type AdminRoute,
  adminRoute,
  JidError,
  PasswordRefused,
  Type,
} from '@beaconfire/plugin-sdk'
import { askFor, cursorSchema, limitSchema, pageOf, toPage } from './paging.js'

const byName = Type.Object({ username: Type.String({ minLength: 1 }) })
/** The store has the last word on both; these lengths only keep nonsense from it. */
const password = Type.String({ minLength: 1, maxLength: 1023 })
const text = Type.String({ maxLength: 100 })

const userSchema = Type.Object({
  username: Type.String(),
  name: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  createdAt: Type.String({ format: 'date-time' }),
  modifiedAt: Type.String({ format: 'date-time' }),
  disabled: Type.Boolean(),
})

export function usersRoutes(accounts: Accounts): AdminRoute[] {
  return [
    listUsers(accounts),
    getUser(accounts),
    createUser(accounts),
    updateUser(accounts),
    setPassword(accounts),
    ...switches(accounts),
    remove(accounts),
  ]
}

function listUsers(accounts: Accounts): AdminRoute {
  const search = Type.Optional(Type.String({ minLength: 1, description: 'part of the username, name or e-mail' }))
  return adminRoute({
    method: 'GET',
    path: '/users',
    summary: 'Lists or searches accounts, by username',
    query: Type.Object({ search, cursor: cursorSchema, limit: limitSchema }),
    response: pageOf(userSchema),
    async handle({ query }) {
      const found = await accounts.list({ search: query.search, after: query.cursor, limit: askFor(query.limit) })
      return toPage(found, query.limit, (last) => last.username, view)
    },
  })
}

function getUser(accounts: Accounts): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/users/:username',
    summary: 'One account',
    params: byName,
    response: userSchema,
    handle: ({ params }) => viewOf(accounts, params.username),
  })
}

function createUser(accounts: Accounts): AdminRoute {
  return adminRoute({
    method: 'POST',
    path: '/users',
    summary: 'Creates an account',
    body: Type.Object({ username: Type.String({ minLength: 1, maxLength: 1023 }), password, name: Type.Optional(text), email: Type.Optional(text) }),
    response: userSchema,
    status: 201,
    handle: ({ body }) => refusing(async () => view(await accounts.create(body))),
  })
}

function updateUser(accounts: Accounts): AdminRoute {
  return adminRoute({
    method: 'PATCH',
    path: '/users/:username',
    summary: 'Changes the name or e-mail of an account',
    params: byName,
    body: Type.Object({ name: Type.Optional(text), email: Type.Optional(text) }),
    response: userSchema,
    handle: ({ params, body }) => refusing(async () => view(await accounts.update(params.username, body))),
  })
}

function setPassword(accounts: Accounts): AdminRoute {
  return adminRoute({
    method: 'PUT',
    path: '/users/:username/password',
    summary: 'Sets the password of an account',
    params: byName,
    body: Type.Object({ password }),
    handle: ({ params, body }) => refusing(() => accounts.setPassword(params.username, body.password)),
  })
}

function switches(accounts: Accounts): AdminRoute[] {
  return (['disable', 'enable'] as const).map((verb) =>
    adminRoute({
      method: 'POST',
      path: `/users/:username/${verb}`,
      summary: verb === 'disable' ? 'Forbids an account to log in and closes its sessions; its data stays' : 'Lets a disabled account log in again',
      params: byName,
      response: userSchema,
      async handle({ params }) {
        await refusing(() => accounts.setDisabled(params.username, verb === 'disable'))
        return viewOf(accounts, params.username)
      },
    }),
  )
}

function remove(accounts: Accounts): AdminRoute {
  return adminRoute({
    method: 'DELETE',
    path: '/users/:username',
    summary: 'Deletes an account and all it owns',
    params: byName,
    handle: ({ params }) => refusing(() => accounts.remove(params.username)),
  })
}

async function viewOf(accounts: Accounts, username: string) {
  const account = await accounts.find(username)
  if (!account) throw missing()
  return view(account)
}

function view(account: Account) {
  const { username, name, email, disabled } = account
  return { username, name, email, createdAt: account.createdAt.toISOString(), modifiedAt: account.modifiedAt.toISOString(), disabled }
}

function missing(): AdminError {
  return new AdminError(404, 'user-not-found', 'there is no such user')
}

/** Turns what the account store refuses into what an administrator reads. */
async function refusing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof AccountMissing) throw missing()
    if (error instanceof AccountConflict) throw new AdminError(409, 'user-exists', 'this username is taken', 'body.username')
    if (error instanceof PasswordRefused) throw new AdminError(400, 'password-refused', error.message, 'body.password')
    if (error instanceof JidError) throw new AdminError(400, 'username-malformed', error.message, 'body.username')
    throw error
  }
}
