/** The ports for clients: in clear with STARTTLS, and with TLS from the first byte. */
import type { SecureContext } from 'node:tls'
import type { Logger } from '@beaconfire/plugin-sdk'
import { listen, type TcpListener } from './net/tcp-listener.js'
import type { Transport } from './net/transport.js'

export interface NamedListener {
  readonly name: string
  readonly listener: TcpListener
}

export interface ClientListenerSettings {
  /** All addresses unless given. */
  readonly host?: string | undefined
  readonly port: number
  /** 0: none. -1: any free port. */
  readonly directTlsPort: number
  /** Undefined where TLS is off: then there is no direct TLS either. */
  readonly tls: SecureContext | undefined
  readonly log: Logger
  accept(transport: Transport): void
}

/** @param opened takes each listener as soon as it accepts @throws (rejects) the error of one that cannot be opened */
export async function openClientListeners(
  opened: NamedListener[],
  { host, port, directTlsPort, tls, log, accept }: ClientListenerSettings,
): Promise<{ readonly c2s: number; readonly directTls: number | undefined }> {
  const shared = { host, log, onConnection: accept }
  const plain = await listen({ ...shared, port })
  opened.push({ name: 'c2s', listener: plain })
  if (!tls || directTlsPort === 0) return { c2s: plain.port, directTls: undefined }
  const direct = await listen({ ...shared, port: Math.max(0, directTlsPort), directTls: tls })
  opened.push({ name: 'c2s, direct TLS', listener: direct })
  return { c2s: plain.port, directTls: direct.port }
}
