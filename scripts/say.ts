/**
 * `npm run say -- <text> [--port <port>] [--domain <domain>]`: sends a message through the server on this machine, to see what plugins make of
 * it. It registers an account, logs in twice, sends from one resource to the other, prints what came, and removes the account.
 */
import { randomBytes } from 'node:crypto'
import { element, findChild, NS } from '@beaconfire/plugin-sdk'
import { TestClient, TestStream } from '@beaconfire/plugin-sdk/testing'
import { Command } from 'commander'

interface Where {
  readonly port: number
  readonly domain: string
}

interface Account {
  readonly username: string
  readonly password: string
}

/** Says it in words instead of a stack. */
class Refused extends Error {
  override readonly name = 'Refused'
}

async function connect({ port, domain }: Where): Promise<TestStream> {
  let stream: TestStream
  try {
    stream = await TestStream.connect({ port, domain })
  } catch (error) {
    throw new Refused(`nobody listens on port ${port} (${(error as Error).message}): npm start`, { cause: error })
  }
  if (findChild(await stream.open(), 'starttls', NS.tls)) {
    await stream.startTls()
    await stream.open()
  }
  return stream
}

async function logIn(stream: TestStream, { username, password }: Account, resource: string): Promise<TestClient> {
  await stream.authenticate('SCRAM-SHA-1', username, password)
  await stream.open()
  const client = new TestClient(stream, await stream.bind(resource))
  client.send(element('presence'))
  await client.sync()
  return client
}

async function register(stream: TestStream, { username, password }: Account): Promise<void> {
  const query = element('query', { xmlns: NS.register }, element('username', {}, username), element('password', {}, password))
  const answer = await stream.request(element('iq', { type: 'set' }, query))
  if (answer.attrs.type !== 'result') throw new Refused(`no account could be registered: ${answer}`)
}

async function say(text: string, where: Where): Promise<void> {
  const account = { username: `say-${randomBytes(4).toString('hex')}`, password: randomBytes(12).toString('hex') }
  const orchard = await connect(where)
  await register(orchard, account)
  const romeo = await logIn(orchard, account, 'orchard')
  const juliet = await logIn(await connect(where), account, 'balcony')
  try {
    const message = element('message', { to: juliet.jid.toString(), id: 'said', type: 'chat' }, element('body', {}, text))
    process.stdout.write(`${romeo.jid} says: ${message}\n`)
    romeo.send(message)
    const isAbout = (client: TestClient) => client.receive((el) => el.getName() === 'message' && el.attrs.id === 'said')
    const came = await Promise.race([isAbout(juliet), isAbout(romeo)])
    const isRefused = came.attrs.type === 'error'
    process.stdout.write(isRefused ? `refused: ${came}\n` : `${juliet.jid} hears: ${came}\n`)
  } finally {
    romeo.send(element('iq', { type: 'set', id: 'remove' }, element('query', { xmlns: NS.register }, element('remove'))))
    await romeo.closed.catch(() => undefined)
    juliet.drop()
  }
}

const command = new Command('npm run say --')
  .description('Sends a message through the server on this machine and prints what comes of it.')
  .argument('<text>')
  .option('--port <port>', 'of clients', process.env.BEACONFIRE_C2S_PORT ?? '5222')
  .option('--domain <domain>', 'of the server', process.env.BEACONFIRE_DOMAIN ?? 'localhost')
  .action(async (text: string, options: { readonly port: string; readonly domain: string }) => {
    await say(text, { port: Number(options.port), domain: options.domain })
  })

try {
  await command.parseAsync()
} catch (error) {
  if (!(error instanceof Refused)) throw error
  process.stderr.write(`say: ${error.message}\n`)
  process.exitCode = 1
}
