/** Entity time (XEP-0202), and the form that old clients ask for (XEP-0090). */
import { definePlugin, element } from '@beaconfire/plugin-sdk'

const TIME = 'urn:xmpp:time'
const LEGACY_TIME = 'jabber:iq:time'

export default definePlugin({
  name: 'time',
  version: '0.1.0',
  description: 'Entity time (XEP-0202, XEP-0090)',

  setup() {
    return {
      features: [TIME, LEGACY_TIME],
      iqHandlers: [
        { namespace: TIME, element: 'time', type: 'get', targets: ['server'], handle: () => entityTime(new Date()) },
        { namespace: LEGACY_TIME, element: 'query', type: 'get', targets: ['server'], handle: () => legacyTime(new Date()) },
      ],
    }
  },
})

/** XEP-0202 §2: UTC, and the offset of the server's own time zone. */
export function entityTime(now: Date) {
  const minutes = -now.getTimezoneOffset()
  const part = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0')
  const offset = minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${part(minutes / 60)}:${part(minutes % 60)}`
  return element('time', { xmlns: TIME }, element('tzo', {}, offset), element('utc', {}, now.toISOString().replace(/\.\d+Z$/, 'Z')))
}

/** XEP-0090: `CCYYMMDDThh:mm:ss` in UTC. */
export function legacyTime(now: Date) {
  const compact = now.toISOString().slice(0, 19).replaceAll('-', '')
  return element('query', { xmlns: LEGACY_TIME }, element('utc', {}, compact), element('tz', {}, 'UTC'), element('display', {}, now.toUTCString()))
}
