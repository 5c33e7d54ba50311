/** Peers who do what they should not while others are measured: the figures of those others are what is looked at. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientConnection } from '../client-connection.js'
import { type Crowd, range } from '../crowd.js'
import type { Offenders, Target } from '../request.js'

/** Of all who do not flood: nearly what one session may send by default, 524,288 bytes and 200 stanzas. */
const ALLOWED_BYTES_PER_SECOND = 500_000
const STANZA_BYTES = 2500
/** Twice what one session may send by default. */
const FLOOD_BYTES_PER_SECOND = 1_000_000
/** Just below the largest stanza that the server takes by default. */
const LARGE_STANZA_BYTES = 262_000
/** As often as a stanza of each is due: those that go together cost the server less. */
const TICK_MS = 5
/** As many connections of one address as the server keeps by default. */
const NEWCOMERS_PER_ADDRESS = 1000
const NEWCOMERS_PER_TICK = 10
/** In which a connection that the server has ended is found to be so, when it is read again. */
const END_SEEN_MS = 10_000

export interface Offence {
  /** Ends it. @returns how many of the offenders the server had closed or refused by then */
  stop(): Promise<number>
}

/** @param first number of the first account that is free for them; they need `accountsOf(offenders)` */
export async function offend(offenders: Offenders, first: number, crowd: Crowd, target: Target): Promise<Offence> {
  if (offenders.conduct === 'newcomers') return newcomers(offenders.count, target)
  const users = range(first, accountsOf(offenders))
  await crowd.learnKeys(users)
  const sessions = await crowd.sessions(users)
  const closed = new Set<ClientConnection>()
  for (const it of sessions) it.onLost = () => void closed.add(it)
  const [senders, recipients] = [sessions.filter((_, at) => at % 2 === 0), sessions.filter((_, at) => at % 2 === 1)]
  const isDeaf = offenders.conduct === 'deaf'
  if (isDeaf) for (const it of recipients) it.stopReading()
  const offending = isDeaf ? recipients : senders
  const stopSending = sendSteadily(offenders.conduct, senders, recipients)
  return {
    async stop() {
      stopSending()
      if (isDeaf) await ended(recipients)
      return offending.filter((it) => closed.has(it)).length
    },
  }
}

export function accountsOf({ conduct, count }: Offenders): number {
  return conduct === 'newcomers' ? 0 : 2 * count
}

function sendSteadily(conduct: Offenders['conduct'], senders: readonly ClientConnection[], recipients: readonly ClientConnection[]): () => void {
  const rate = conduct === 'flood' ? FLOOD_BYTES_PER_SECOND : ALLOWED_BYTES_PER_SECOND
  const bytes = conduct === 'large' ? LARGE_STANZA_BYTES : STANZA_BYTES
  const texts = recipients.map((it) => message(it.full, bytes))
  // Nobody sends to them but the server, for a recipient that is gone: who goes on all the same does what the `offline` scenario measures.
  const refused = new Set<ClientConnection>()
  for (const it of senders) it.handler = () => void refused.add(it)
  const began = performance.now()
  let sent = 0
  const tick = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * rate
    while (sent + bytes <= due) {
      for (const [at, it] of senders.entries()) if (!refused.has(it)) it.send(texts[at] ?? '')
      sent += bytes
    }
  }, TICK_MS)
  return () => clearInterval(tick)
}

/** A headline, which is not kept for who is gone, but refused. */
function message(to: string, bytes: number): string {
  const [head, tail] = [`<message to='${to}' type='headline'><body>`, '</body></message>']
  return `${head}${'x'.repeat(bytes - head.length - tail.length)}${tail}`
}

/** Who did not read has not seen the end of its stream either. */
async function ended(connections: readonly ClientConnection[]): Promise<void> {
  const deadline = new AbortController()
  const ends = connections.map((it) => it.readToEnd())
  await Promise.race([Promise.all(ends), sleep(END_SEEN_MS, undefined, { signal: deadline.signal }).catch(() => {})])
  deadline.abort()
}

/** Connections that never say a word, some at a time so that they come during the measurement. */
function newcomers(count: number, { address, port }: Target): Offence {
  const sockets: Socket[] = []
  let refused = 0
  const tick = setInterval(() => {
    for (let at = 0; at < NEWCOMERS_PER_TICK && sockets.length < count; at++) {
      const localAddress = address === '127.0.0.1' ? `127.0.1.${1 + Math.floor(sockets.length / NEWCOMERS_PER_ADDRESS)}` : undefined
      const socket = connect({ host: address, port, localAddress })
      socket.on('error', () => {}) // a refusal by a reset is counted when it closes
      socket.on('end', () => socket.destroy())
      socket.on('close', () => refused++)
      socket.resume()
      sockets.push(socket)
    }
  }, TICK_MS)
  return {
    async stop() {
      clearInterval(tick)
      const before = refused
      const open = sockets.filter((it) => !it.destroyed)
      const closed = open.map((it) => once(it, 'close'))
      for (const it of open) it.destroy()
      await Promise.all(closed)
      return before
    },
  }
}
