/** Runs a foreign client's program against a server and collects the facts it prints, one a line. */
import { spawn } from 'node:child_process'
import type { ServerProcess } from '../support/server-process.js'

/** A peer that has not finished by then never will. */
const LIMIT_MS = 60_000

/** What each peer program does and reports, in this order. */
export const EXPECTED_FACTS = [
  'romeo registered',
  'juliet registered',
  'romeo logged in with SCRAM inside TLS',
  'juliet logged in with SCRAM inside TLS',
  'juliet approved romeo',
  'romeo approved juliet',
  "juliet in romeo's roster: both",
  "romeo in juliet's roster: both",
  'juliet sees romeo available',
  'juliet got: Wherefore art thou?',
  'romeo sees juliet unavailable',
  'juliet logged in with SCRAM inside TLS',
  'juliet got delayed: Come back!',
]

/** What a peer program of the acceptance tests does and reports before the server is started again, and after. */
export const ACCEPTANCE_FACTS = {
  before: [
    'with no password: refused: true',
    'with no username: refused: true',
    'with a username that is none: refused: true',
    'chenwu registered',
    'chenwu logged in with SCRAM inside TLS',
    'wangjun registered',
    'liusong registered',
    'wangjun logged in with SCRAM inside TLS',
    'wangjun is asked by chenwu',
    'accepted: both, both',
    'liusong logged in with SCRAM inside TLS',
    'refused: none, no item',
    'liusong got the text: true',
    'wangjun logged in with SCRAM inside TLS',
    'wangjun got 100 kept, in order: true',
    'chenwu sees wangjun go',
    'wangjun logged in with SCRAM inside TLS',
    'chenwu sees wangjun come',
    'deleted: no item, none',
  ],
  after: [
    'chenwu logged in with SCRAM inside TLS',
    "chenwu's roster: 刘松 同事 none",
    'liusong logged in with SCRAM inside TLS',
    'liusong got: before the restart',
  ],
} as const

/** @throws Error with all the peer printed, when it fails or takes too long */
export function runPeer(
  server: ServerProcess,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const child = spawn(command, args, {
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      XMPP_DOMAIN: 'localhost',
      XMPP_PORT: String(server.ports.c2s),
      XMPP_DIRECT_TLS_PORT: String(server.ports.directTls),
      XMPP_CERTIFICATE: server.certificate,
      NODE_EXTRA_CA_CERTS: server.certificate,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let facts = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    facts += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      if (code === 0) resolve(facts.trim().split('\n'))
      else reject(new Error(`the peer ended with ${signal ?? code}\nfacts:\n${facts}\nerrors:\n${errors}\nserver:\n${server.log}`))
    })
  })
}
