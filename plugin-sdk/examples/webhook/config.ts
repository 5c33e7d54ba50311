/** What an operator writes under `plugins.settings.webhook`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

const whole = (value: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: value, minimum, maximum, description })

export const config = Type.Object({
  url: Type.String({ default: '', description: 'where batches are posted; empty: nothing is queued or sent' }),
  secret: Type.String({ default: '', description: 'key of the signature; 16 characters or more' }),
  types: Type.Array(Type.Enum(['chat', 'normal', 'groupchat', 'headline']), { default: ['chat', 'normal', 'groupchat'] }),
  bodies: Type.Boolean({ default: true, description: 'events hold what was said' }),
  obeyHints: Type.Boolean({ default: true, description: 'messages with <no-store/> (XEP-0334) are left out' }),
  holdAcknowledgement: Type.Boolean({ default: false, description: 'a message is acknowledged to its sender once its event is on disk' }),
  batchSize: whole(50, 1, 1000, 'events of one request at most'),
  lingerMs: whole(200, 0, 60_000, 'how long the first event of a batch waits for others'),
  timeoutSeconds: whole(10, 1, 300, 'how long the receiver may take for a batch'),
  maxAttempts: whole(8, 1, 1000, 'then the events of a batch are dead letters'),
  firstRetryMs: whole(1000, 1, 3_600_000, 'wait after the first failure; doubled with each further one'),
  longestRetryMs: whole(300_000, 1, 86_400_000, 'longest wait between two attempts'),
  maxWaiting: whole(100_000, 1, 10_000_000, 'events that wait; what comes beyond is left out and counted'),
  keepDeadDays: whole(30, 0, 36_500, 'dead letters are deleted after so many days; 0: never'),
})

export type WebhookConfig = Static<typeof config>

/** @throws Error that says what to do, when the two do not go together */
export function checkTarget({ url, secret }: Pick<WebhookConfig, 'url' | 'secret'>): void {
  if (url === '') return
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') throw new Error('plugins.settings.webhook.url must be an http or https URL')
  if (parsed.username !== '' || parsed.password !== '')
    throw new Error('plugins.settings.webhook.url must not hold a password: the signature shows who sends')
  if (secret.length < 16) throw new Error('plugins.settings.webhook.secret must have 16 characters or more')
}
