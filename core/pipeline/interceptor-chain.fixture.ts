/** For tests: a chain with a log and somebody to lead stanzas through it for. */
import { Jid, message, type PacketInterceptor, type PacketRejected, type Stanza } from '@beaconfire/plugin-sdk'
import { recordingLogger } from '@beaconfire/plugin-sdk/testing'
import type { Origin } from './crossing.js'
import { InterceptorChain } from './interceptor-chain.js'
import { PinnedTables } from './pinned-tables.js'

export function sessionOf(jid: string): Origin {
  return { kind: 'client', id: jid, jid: Jid.parse(jid), remoteAddress: '', secure: true, hold: () => undefined }
}

export const romeo = sessionOf('romeo@test/orchard')

export function chainWith(...interceptors: PacketInterceptor[]) {
  const { log, entries } = recordingLogger()
  const tables = new PinnedTables()
  const chain = new InterceptorChain(log, tables)
  for (const interceptor of interceptors) chain.add('plugin', interceptor)
  const acted: Stanza[] = []
  const rejections: PacketRejected[] = []
  const act = (it: Stanza) => {
    acted.push(it)
    return true
  }
  const run = (packet: Stanza = message({ to: 'juliet@test', type: 'chat' }), incoming = true, routed = packet) =>
    chain.around(incoming, packet, romeo, romeo, routed, act, (rejection) => void rejections.push(rejection))
  return { chain, tables, entries, acted, rejections, run }
}

/** Something to wait for and let go. */
export function gate() {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}
