/**
 * Plugins that are swapped again and again while many chat: nobody is disconnected, nothing lost, doubled or overtaken, and memory stays
 * flat but for what Node keeps of each module. `SWAP_SOAK=200` swaps each of the ten plugins so often, as a release is tried; a few times
 * unless given, at `SWAP_SOAK_RATE` messages a second.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startTestServer, type TestClient } from '@beaconfire/plugin-sdk/testing'

const PLUGINS = 10
const SWAPS = Number(process.env.SWAP_SOAK ?? 3)
const PAIRS = 10
const PER_SECOND = Number(process.env.SWAP_SOAK_RATE ?? (process.env.SWAP_SOAK ? 2000 : 500))
/** Of heap, for each module that was loaded. */
const KEPT_OF_A_MODULE = 64 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const source = (name: string, swap: number) => `
import { definePlugin } from '@beaconfire/plugin-sdk'
export default definePlugin({ name: '${name}', version: '1.0.${swap}',
  setup({ timers, metrics, log }) {
    const seen = metrics.counter('seen_total', 'Seen')
    let count = 0
    return {
      interceptors: [
        { name: 'count', band: 'observe', when: { stanza: 'message' }, interceptPacket() { count++; seen.increment() } },
        { name: 'wait', band: 'guard', when: { stanza: 'message', incoming: true, processed: false }, ${swap % 3 === 0 ? 'async' : ''} interceptPacket() {} },
      ],
      iqHandlers: [{ namespace: 'urn:example:${name}', handle() {} }],
      hooks: { sessionOpened() { count++ } },
      save: () => ({ count }), restore(state) { count = state.count },
      start() { timers.every(50, () => { log.debug({ count }, 'tick') }) },
    }
  },
})`

/** Sends numbered messages to `to` at an even rate until told to stop. @returns how many */
async function chat(from: TestClient, to: TestClient, perSecond: number, isOver: () => boolean): Promise<number> {
  const startedAt = performance.now()
  let sent = 0
  while (!isOver()) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond)
    while (sent < due) from.send(`<message to="${to.jid}" type="chat"><body>${sent++}</body></message>`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return sent
}

/** Takes messages until `total` is known and reached; each must be the next. */
async function listen(to: TestClient, total: () => number | undefined, onMessage: () => void): Promise<void> {
  for (let next = 0; next !== total(); next++) {
    assert.equal((await to.receive('message')).getChildText('body'), String(next))
    to.stream.received.length = 0 // or what the test keeps would hide what the server does
    onMessage()
  }
}

test(`${PLUGINS} plugins swapped ${SWAPS} times each under ${PER_SECOND} messages a second`, { timeout: 600_000 }, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'beaconfire-soak-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const names = Array.from({ length: PLUGINS }, (_, i) => `soaked-${i}`)
  const write = async (name: string, swap: number) => {
    await mkdir(path.join(folder, name), { recursive: true })
    await writeFile(path.join(folder, name, 'package.json'), JSON.stringify({ name, type: 'module' }))
    await writeFile(path.join(folder, name, 'index.ts'), source(name, swap))
  }
  for (const name of names) await write(name, 0)
  const server = await startTestServer(t, { config: { plugins: { folders: [folder] } } })
  const pairs: { romeo: TestClient; juliet: TestClient }[] = []
  for (let i = 0; i < PAIRS; i++) {
    pairs.push({ romeo: await server.login(`romeo${i}`, { available: false }), juliet: await server.login(`juliet${i}`, { available: false }) })
  }
  for (const name of names) await server.plugins.reload(name)
  collect()
  const before = process.memoryUsage().heapUsed

  let isOver = false
  let received = 0
  const swaps: number[] = []
  const conversations = pairs.map(async ({ romeo, juliet }) => {
    let total: number | undefined
    const sending = chat(romeo, juliet, PER_SECOND / PAIRS, () => isOver)
    const done = sending.then((sent) => {
      total = sent
      // One more, so that whoever waits for a message sees that there are no others.
      romeo.send(`<message to="${juliet.jid}" type="chat"><body>${sent}</body></message>`)
      total = sent + 1
    })
    await listen(
      juliet,
      () => total,
      () => void received++,
    )
    await done
    await romeo.sync()
    await juliet.receiveNothing('message')
    return total
  })
  const startedAt = performance.now()
  for (let swap = 1; swap <= SWAPS; swap++) {
    for (const name of names) {
      await write(name, swap)
      const begunAt = performance.now()
      await server.plugins.reload(name)
      swaps.push(performance.now() - begunAt)
    }
  }
  isOver = true
  const seconds = (performance.now() - startedAt) / 1000
  await Promise.all(conversations)

  for (const name of names) {
    const { version, error } = server.plugins.find(name) ?? {}
    assert.deepEqual([version, error], [`1.0.${SWAPS}`, undefined])
  }
  assert.equal(server.sessions.count, 2 * PAIRS)
  for (let i = 0; i < 5; i++) {
    collect()
    await new Promise(setImmediate)
  }
  assert.deepEqual(
    names.filter((name) => (server.plugins.find(name)?.staleVersions ?? 0) > 0),
    [],
  )
  const kept = (process.memoryUsage().heapUsed - before) / swaps.length
  swaps.sort((a, b) => a - b)
  t.diagnostic(
    `${swaps.length} swaps in ${seconds.toFixed(1)} s, median ${swaps[Math.floor(swaps.length / 2)]?.toFixed(1)} ms, slowest ${swaps.at(-1)?.toFixed(1)} ms`,
  )
  t.diagnostic(`${received} messages, ${Math.round(received / seconds)} a second; ${Math.round(kept / 1024)} KiB of heap kept for each swap`)
  // In a short run what traffic warms up weighs more than what swaps leave.
  if (swaps.length >= 500) assert.ok(kept < KEPT_OF_A_MODULE, `${kept} bytes`)
})
