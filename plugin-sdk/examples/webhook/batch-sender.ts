/** Posts what waits, batch by batch and in order. The queue is the table: what was not taken is sent after a restart. */
import type { Logger, Metrics, Timer, Timers } from '@beaconfire/plugin-sdk'
import { waitAfter } from './back-off.js'
import type { WebhookConfig } from './config.js'
import type { EventStore, StoredEvent } from './event-store.js'
import { SIGNATURE_HEADER, signatureOf } from './signature.js'

/** How often an idle sender looks whether somebody else has queued events, in ms. */
const LOOK_AGAIN_MS = 10_000

export interface SenderCollaborators {
  readonly store: EventStore
  readonly config: WebhookConfig
  readonly log: Logger
  readonly metrics: Metrics
  readonly timers: Timers
}

export interface SenderStatus {
  readonly waiting: number
  /** Failures in a row. */
  readonly failures: number
  readonly lastError: string | undefined
  readonly nextAttemptAt: Date | undefined
}

/** The receiver did not take a batch. */
class NotTaken extends Error {
  override readonly name = 'NotTaken'
  constructor(
    message: string,
    /** What the receiver asked for (RFC 9110 §10.2.3), in ms. */
    readonly retryAfterMs = 0,
  ) {
    super(message)
  }
}

export class BatchSender {
  readonly #store: EventStore
  readonly #config: WebhookConfig
  readonly #log: Logger
  readonly #timers: Timers
  readonly #sent
  readonly #died
  readonly #stopping = new AbortController()
  #waiting = 0
  #failures = 0
  #lastError: string | undefined
  #timer: Timer | undefined
  #nextAttemptAt: number | undefined
  #running: Promise<void> | undefined
  /** Something was queued while a batch was under way. */
  #isMore = false

  constructor({ store, config, log, metrics, timers }: SenderCollaborators) {
    this.#store = store
    this.#config = config
    this.#log = log
    this.#timers = timers
    this.#sent = metrics.counter('sent_total', 'Events that the receiver took')
    this.#died = metrics.counter('dead_total', 'Events that were given up, and kept as dead letters')
    metrics.gauge('waiting', 'Events that wait to be sent', () => this.#waiting)
  }

  get waiting(): number {
    return this.#waiting
  }

  /**
   * Goes on with what the table has, and with what comes to have without this sender being told: after a swap the version before brings to
   * their end the messages that were under way, and their events are queued by it.
   */
  async start(): Promise<void> {
    await this.#look()
    this.#timers.every(LOOK_AGAIN_MS, () => this.#look())
  }

  /** What is under way is given up; it is sent again when the plugin starts again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#timer?.cancel()
    await this.#running
  }

  /** An event is in the table. */
  queued(events = 1): void {
    this.#waiting += events
    this.#wake(this.#config.lingerMs)
  }

  status(): SenderStatus {
    const at = this.#nextAttemptAt
    return {
      waiting: this.#waiting,
      failures: this.#failures,
      lastError: this.#lastError,
      nextAttemptAt: at === undefined ? undefined : new Date(at),
    }
  }

  /** One that is at work, or waits to be, comes by all of them anyway. */
  async #look(): Promise<void> {
    if (this.#running || this.#timer) return
    this.#waiting = await this.#store.count('waiting')
    if (this.#waiting > 0) this.#wake(0)
  }

  /** A wait after a failure is not cut short by new events. */
  #wake(ms: number): void {
    if (this.#running) this.#isMore = true
    else if (!this.#timer && !this.#stopping.signal.aborted) {
      this.#nextAttemptAt = Date.now() + ms
      this.#timer = this.#timers.after(ms, () => this.#run())
    }
  }

  async #run(): Promise<void> {
    this.#timer = undefined
    this.#nextAttemptAt = undefined
    this.#isMore = false
    this.#running = this.#sendAll()
    let wait: number | undefined
    try {
      await this.#running
      wait = this.#isMore ? this.#config.lingerMs : undefined
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#failures++
      this.#lastError = error instanceof Error ? error.message : String(error)
      wait = Math.max(waitAfter(this.#failures, this.#config), error instanceof NotTaken ? error.retryAfterMs : 0)
      this.#log.warn({ error: this.#lastError, failures: this.#failures, retryAfterMs: wait }, 'a batch was not taken')
    } finally {
      this.#running = undefined
    }
    if (wait !== undefined) this.#wake(wait)
  }

  /** @throws NotTaken, or the database's error: then the rest waits */
  async #sendAll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const events = await this.#store.next(this.#config.batchSize)
      if (events.length === 0) return
      const ids = events.map((it) => it.id)
      try {
        await this.#post(events)
      } catch (error) {
        // A stop says nothing about the receiver.
        if (!this.#stopping.signal.aborted) await this.#failed(ids, error)
        throw error
      }
      await this.#store.remove(ids)
      this.#waiting = Math.max(0, this.#waiting - ids.length)
      this.#failures = 0
      this.#lastError = undefined
      this.#sent.increment(ids.length)
    }
  }

  async #failed(ids: readonly number[], error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error)
    const dead = await this.#store.failed(ids, reason, this.#config.maxAttempts)
    if (dead === 0) return
    this.#waiting = Math.max(0, this.#waiting - dead)
    this.#died.increment(dead)
    this.#log.error({ events: dead, reason }, 'events were given up, and are kept as dead letters')
  }

  /** @throws NotTaken */
  async #post(events: readonly StoredEvent[]): Promise<void> {
    const { url, secret, timeoutSeconds, longestRetryMs } = this.#config
    const body = `{"events":[${events.map((it) => it.event).join(',')}]}`
    const signature = signatureOf(secret, Math.floor(Date.now() / 1000), body)
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(timeoutSeconds * 1000)])
    // Another place that the receiver names would get what was meant for this one.
    const headers = { 'content-type': 'application/json', 'user-agent': 'beaconfire-webhook', [SIGNATURE_HEADER]: signature }
    let response: Response
    try {
      response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
      throw new NotTaken(`the receiver cannot be reached: ${error instanceof Error ? error.message : String(error)}${cause}`)
    }
    // What it says is not wanted, and may never end.
    await response.body?.cancel()
    if (response.ok) return
    const retryAfter = Number(response.headers.get('retry-after') ?? 0)
    throw new NotTaken(`the receiver answered with status ${response.status}`, Math.min(longestRetryMs, retryAfter > 0 ? retryAfter * 1000 : 0))
  }
}
