/** Readings of the server, the generator and the machine at the ends of each measured part. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readEventLoopDelay } from '../measure/event-loop-delay.js'
import { hasProcessFigures, type Memory, machineBusySeconds, treeCpuSeconds, treeMemory } from '../measure/process-tree.js'
import { type Latency, round } from '../measure/statistics.js'
import type { GeneratorRequest, GeneratorResult, Part } from './request.js'

export interface Reading {
  /** Milliseconds when the reading was asked for, and when it was taken. */
  readonly asked: number
  readonly taken: number
  readonly generatorSeconds: number
  readonly machineSeconds: number
  readonly serverSeconds?: number
  readonly memory?: Memory
}

export class Meter {
  readonly parts: Part[] = []
  /** Over all parts: the worst. */
  eventLoopDelay: GeneratorResult['eventLoopDelay']
  readonly #request: GeneratorRequest
  readonly #pid: number | undefined

  constructor(request: GeneratorRequest) {
    this.#request = request
    this.#pid = hasProcessFigures() ? request.serverPid : undefined
  }

  /** Before the first stanza of a part. */
  async begin(): Promise<Reading> {
    await this.#readDelay()
    if (this.#request.metrics && this.parts.length === 0) {
      // What the server compiles for its first answer is not the load's: it goes on for a while in other threads.
      await sleep(this.#request.settleMs)
      await this.#readDelay()
    }
    return this.read()
  }

  /** After the last stanza of a part of `count` units of work that began at `from`. */
  async end(name: string, count: number, from: Reading, latency?: Latency): Promise<Reading> {
    const asked = performance.now()
    await sleep(this.#request.settleMs)
    const to = { ...this.read(), asked }
    this.parts.push({ ...partBetween(name, count, from, to), latency })
    const delay = await this.#readDelay()
    const worst = this.eventLoopDelay
    if (delay) this.eventLoopDelay = { p99: Math.max(delay.p99, worst?.p99 ?? 0), max: Math.max(delay.max, worst?.max ?? 0) }
    return to
  }

  read(): Reading {
    const asked = performance.now()
    const { user, system } = process.cpuUsage()
    const shared = { asked, generatorSeconds: (user + system) / 1e6, machineSeconds: machineBusySeconds() }
    const server = this.#pid === undefined ? {} : { serverSeconds: treeCpuSeconds(this.#pid), memory: treeMemory(this.#pid) }
    return { ...shared, ...server, taken: performance.now() }
  }

  /** Reading starts the server's histogram anew. */
  async #readDelay() {
    return this.#request.metrics && (await readEventLoopDelay(this.#request.metrics))
  }
}

function partBetween(name: string, count: number, from: Reading, to: Reading): Part {
  const wallSeconds = (to.asked - from.taken) / 1000
  const generatorSeconds = to.generatorSeconds - from.generatorSeconds
  const serverSeconds = from.serverSeconds === undefined || to.serverSeconds === undefined ? undefined : to.serverSeconds - from.serverSeconds
  const otherSeconds = Math.max(0, to.machineSeconds - from.machineSeconds - generatorSeconds - (serverSeconds ?? 0))
  return {
    name,
    count,
    wallSeconds: round(wallSeconds),
    perSecond: round(count / wallSeconds, 1),
    generatorShare: round(generatorSeconds / wallSeconds),
    // The settling time is in the machine's seconds, so it is in their divisor too.
    otherShare: round(otherSeconds / ((to.taken - from.taken) / 1000)),
    ...(serverSeconds === undefined ? {} : serverFigures(count, serverSeconds, wallSeconds)),
    ...(from.memory && to.memory ? { memoryKib: { before: from.memory.residentKib, after: to.memory.residentKib } } : {}),
  }
}

function serverFigures(count: number, seconds: number, wallSeconds: number): Partial<Part> {
  // Less than one step of the kernel's clock says nothing.
  if (seconds <= 0) return { serverCpuSeconds: 0, serverShare: 0 }
  return { serverCpuSeconds: round(seconds), serverShare: round(seconds / wallSeconds), perCpuSecond: round(count / seconds, 1) }
}
