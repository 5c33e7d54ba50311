/** Records how stanzas cross the chain, for tests of sequences such as the four calls of a one-to-one message. */
import { type AnyPlugin, definePlugin, type InterceptorFilter } from '../index.js'

export interface RecordedCrossing {
  readonly incoming: boolean
  readonly processed: boolean
  /** JID of the session at whose side it was: the sender's when incoming, the recipient's when not. */
  readonly session: string
  /** The stanza as XML at that moment. */
  readonly packet: string
}

export interface Recorder {
  /** Give it to `startTestServer` among the plugins. */
  readonly plugin: AnyPlugin
  /** In order of calls. */
  readonly crossings: RecordedCrossing[]
  /** The sequence in short, such as `IN-pre romeo@test/a`. */
  sequence(): string[]
  clear(): void
}

/** @param when what to record; messages unless given, so that the kit's own pings do not show */
export function recordInterceptor(when: InterceptorFilter = { stanza: 'message' }): Recorder {
  const crossings: RecordedCrossing[] = []
  const plugin = definePlugin({
    name: 'crossing-recorder',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'record',
          band: 'observe',
          when,
          interceptPacket({ incoming, processed, session, packet }) {
            crossings.push({ incoming, processed, session: session.jid.toString(), packet: packet.toString() })
          },
        },
      ],
    }),
  })
  return {
    plugin,
    crossings,
    sequence: () => crossings.map((it) => `${it.incoming ? 'IN' : 'OUT'}-${it.processed ? 'post' : 'pre'} ${it.session}`),
    clear: () => void crossings.splice(0),
  }
}
