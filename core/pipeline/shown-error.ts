/** What is shown of an error that an interceptor threw, where what people say must not be. */
import { inspect } from 'node:util'
import { PacketRejected, StanzaError } from '@beaconfire/plugin-sdk'

/** As the system's and Node's own: `ECONNREFUSED`, `ERR_INVALID_URL`. */
const CODE = /^E[A-Z0-9_]{2,40}$/

/** @param bodies true: the text of the error, which may quote the stanza; otherwise only its condition, or its class and code */
export function shownError(error: unknown, bodies: boolean): string {
  if (!bodies) return kindOf(error)
  return error instanceof Error ? error.message : inspect(error)
}

function kindOf(error: unknown): string {
  if (error instanceof PacketRejected || error instanceof StanzaError) return error.condition
  if (!(error instanceof Error)) return `(thrown: ${error === null ? 'null' : typeof error})`
  const kind = error.constructor.name || 'Error'
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && CODE.test(code) ? `${kind} ${code}` : kind
}
