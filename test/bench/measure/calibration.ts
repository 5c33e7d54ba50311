/**
 * How much plain JavaScript a core does in a second, right now: what figures are compared with where no peer is installed.
 * Run by itself it prints the score; one core, about a second.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from '../servers/server-process.js'

const FILE = fileURLToPath(import.meta.url)
const CPU_SECONDS = 1
const BATCH = 500

/** Rounds per CPU-second, measured in a process of its own on that core. @throws when it cannot be run */
export function calibrate(core: number | undefined): number {
  const [program, ...args] = pinned(core, [process.execPath, '--import', 'tsx', FILE])
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`calibration failed: ${stderr}`)
  return Number(stdout)
}

/** The sort of work a server does with a stanza: bytes to text, cutting, looking up, building, text to bytes. */
function work(stanza: Buffer, seen: Map<string, number>, round: number): number {
  const text = stanza.toString('latin1')
  const fields = text.split(' ').map((it) => it.slice(it.indexOf('=') + 1))
  for (const field of fields) seen.set(field, (seen.get(field) ?? 0) + round)
  return Buffer.from(`<${fields.join("' '")}>`).length + seen.size
}

function score(): number {
  const stanza = Buffer.from(`<message to='user@localhost/bench' type='chat' id='m1'><body>${'x'.repeat(100)}</body></message>`)
  const seen = new Map<string, number>()
  const spent = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6
  let check = 0
  for (let round = 0; round < 50_000; round++) check += work(stanza, seen, round) // compiled by now
  const start = spent()
  let rounds = 0
  while (spent() - start < CPU_SECONDS) for (let at = 0; at < BATCH; at++) check += work(stanza, seen, rounds++)
  if (check === 0) throw new Error('the loop was optimised away')
  return rounds / (spent() - start)
}

if (process.argv[1] === FILE) process.stdout.write(`${Math.round(score())}\n`)
