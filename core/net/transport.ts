/** The face of any connection that carries a stream: TCP, TLS, later WebSocket. */
import type { SecureContext, TLSSocket } from 'node:tls'

/** What happens on a transport. Set once, by the stream that owns it. */
export interface TransportEvents {
  /** Bytes came. They are the stream's from now on: it may keep them. */
  data(chunk: Uint8Array): void
  /** What was gathered is about to be handed over: text to go last with it. */
  flushing?(): string | undefined
  /** The connection is gone. `error` when it did not end by itself. Called exactly once. */
  closed(error?: Error): void
}

export interface Transport {
  readonly remoteAddress: string
  /** True once bytes are encrypted. */
  readonly isSecure: boolean
  /** The TLS connection under the stream, for channel binding and client certificates; undefined where this side does not end TLS. */
  readonly tlsSocket?: TLSSocket | undefined
  /** False once either side has begun to end the connection: what is written then is dropped. */
  readonly isOpen: boolean
  /** Bytes handed to {@link write} that the operating system has not taken yet. */
  readonly queuedBytes: number
  /** Number of the write that holds what was written last, from 1; 0 when nothing was. */
  readonly writes: number
  /** How many of these writes the operating system has taken. */
  readonly writesTaken: number
  bind(events: TransportEvents): void
  /** Gathers text; what was gathered in one turn of the event loop leaves in one write. */
  write(text: string): void
  /** Resolves when all that was written so far has been taken by the operating system; rejects when the connection ends before. */
  whenFlushed(): Promise<void>
  /** Stops and resumes reading: back pressure on the peer. */
  pause(): void
  resume(): void
  /**
   * Goes over to TLS as the server side (STARTTLS): what was written before leaves in clear, bytes already read in clear are dropped
   * (RFC 6120 §5.4.3.3), what comes after is decrypted. @throws (rejects) when the handshake fails; the transport is closed then
   */
  startTls(context: SecureContext): Promise<void>
  /** Writes what is gathered, then closes; destroys the socket when the peer does not close within `graceMs` (default 2000). */
  end(graceMs?: number): void
  /** Closes at once. */
  destroy(): void
}
