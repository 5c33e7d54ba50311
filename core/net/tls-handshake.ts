/** The server's side of a TLS handshake, as a promise. */
import type { TLSSocket } from 'node:tls'

/**
 * Resolves when the connection is secure. What happens to the socket when it is not is the caller's.
 * @throws (rejects) the TLS error, or that the peer took too long or went away
 */
export function handshake(socket: TLSSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      socket.off('secure', secured).off('error', settle).off('_tlsError', settle).off('close', closed)
      if (error) reject(error)
      else resolve()
    }
    const secured = () => settle()
    const closed = () => settle(new Error('the connection ended during the TLS handshake'))
    const timer = setTimeout(() => settle(new Error('the TLS handshake took too long')), timeoutMs)
    timer.unref()
    // Before the handshake is done a TLS error is told as `_tlsError` only, the way Node's own TLS server hears of it.
    socket.on('secure', secured).on('error', settle).on('_tlsError', settle).on('close', closed)
  })
}
