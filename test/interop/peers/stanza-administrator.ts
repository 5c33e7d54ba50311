/** Romeo blocks Juliet, then adds an account as the administrator he is, with npm's stanza. */
import { type Agent, createClient } from 'stanza'

const { XMPP_DOMAIN: domain = '', XMPP_WEBSOCKET: websocket = '' } = process.env
const ADD_USER = 'http://jabber.org/protocol/admin#add-user'
const fact = (text: string) => void process.stdout.write(`${text}\n`)

interface Begun {
  readonly form: { readonly fields: readonly { readonly name: string }[] }
  readonly sid: string
  readonly status: string
  readonly availableActions: { readonly complete?: boolean }
}

async function logIn(username: string): Promise<Agent> {
  const agent = createClient({
    jid: `${username}@${domain}`,
    password: 'secret',
    resource: 'npm',
    transports: { websocket, bosh: false },
    autoReconnect: false,
  })
  agent.registerFeature('inbandRegistration', 50, async (_features, done) => {
    await agent.sendIQ({ type: 'set', account: { username, password: 'secret' } })
    agent.features.negotiated.inbandRegistration = true
    done()
  })
  agent.on('stream:error', (error) => {
    process.stderr.write(`${JSON.stringify(error)}\n`)
    process.exit(1)
  })
  const started = new Promise((resolve) => agent.once('session:started', resolve))
  agent.connect()
  await started
  agent.sendPresence()
  return agent
}

/** The error that answers what this agent sends next. */
function refusal(agent: Agent): Promise<string> {
  return new Promise((resolve) => agent.once('message:error', (message) => resolve(String(message.error?.condition))))
}

async function blocks(romeo: Agent, juliet: Agent): Promise<void> {
  const pushes: string[] = []
  romeo.on('block', ({ jids }) => void pushes.push(`block ${jids}`))
  romeo.on('unblock', ({ jids }) => void pushes.push(`unblock ${jids}`))
  fact(`blocked: ${(await romeo.getBlocked()).jids?.length ?? 0}`)
  await romeo.block(`juliet@${domain}`)
  fact(`blocked: ${(await romeo.getBlocked()).jids}`)
  const bounced = refusal(juliet)
  juliet.sendMessage({ to: `romeo@${domain}`, type: 'chat', body: 'Can you hear me?' })
  fact(`juliet is told: ${await bounced}`)
  const refused = refusal(romeo)
  romeo.sendMessage({ to: `juliet@${domain}`, type: 'chat', body: 'Can you hear me now?' })
  fact(`romeo is told: ${await refused}`)
  await romeo.unblock(`juliet@${domain}`)
  const heard = new Promise<string | undefined>((resolve) => romeo.once('chat', (message) => resolve(message.body)))
  juliet.sendMessage({ to: `romeo@${domain}`, type: 'chat', body: 'And now?' })
  fact(`romeo hears: ${await heard}`)
  fact(`pushed: ${pushes.join(', ')}`)
}

async function administers(romeo: Agent, juliet: Agent): Promise<void> {
  const nodes = async (agent: Agent) => (await agent.getCommands(domain)).items.map((it) => it.node)
  fact(`romeo may add accounts: ${(await nodes(romeo)).includes(ADD_USER)}, juliet: ${(await nodes(juliet)).includes(ADD_USER)}`)
  const begun = await romeo.sendIQ({ type: 'set', to: domain, command: { node: ADD_USER } })
  const { form, sid, status, availableActions } = begun.command as unknown as Begun
  fact(`${status}: ${form.fields.map((it) => it.name).join(' ')}, complete: ${availableActions.complete}`)
  const fields = [
    { name: 'accountjid', value: `nurse@${domain}` },
    { name: 'password', value: 'secret' },
    { name: 'password-verify', value: 'secret' },
  ]
  const done = await romeo.sendIQ({
    type: 'set',
    to: domain,
    command: { node: ADD_USER, sid, action: 'complete', form: { type: 'submit', fields } },
  } as never)
  fact(`${(done as { command: { status: string } }).command.status}`)
  const refused = await juliet
    .sendIQ({ type: 'set', to: domain, command: { node: ADD_USER } })
    .catch((error: { error?: { condition?: string } }) => error.error?.condition)
  fact(`juliet is told: ${typeof refused === 'string' ? refused : 'done'}`)
}

const [romeo, juliet] = [await logIn('romeo'), await logIn('juliet')]
await blocks(romeo, juliet)
await administers(romeo, juliet)
process.exit(0)
