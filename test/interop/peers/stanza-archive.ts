/** Romeo reads his archive with npm's stanza: by page, from the end, by contact; and says what is archived. */
import { createClient } from 'stanza'

const { XMPP_DOMAIN: domain = '', XMPP_WEBSOCKET: websocket = '' } = process.env
const fact = (text: string) => void process.stdout.write(`${text}\n`)
const romeo = `romeo@${domain}`

const agent = createClient({ jid: romeo, password: 'secret', resource: 'npm', transports: { websocket, bosh: false }, autoReconnect: false })
agent.registerFeature('inbandRegistration', 50, async (_features, done) => {
  await agent.sendIQ({ type: 'set', account: { username: 'romeo', password: 'secret' } })
  agent.features.negotiated.inbandRegistration = true
  done()
})
agent.on('stream:error', (error) => {
  process.stderr.write(`${JSON.stringify(error)}\n`)
  process.exit(1)
})

const liveIds: (string | undefined)[] = []
agent.on('message', (message) => {
  if (message.body) liveIds.push(message.stanzaIds?.find((it) => it.by === romeo)?.id)
})

async function play(): Promise<void> {
  const started = new Promise((resolve) => agent.once('session:started', resolve))
  agent.connect()
  await started
  agent.sendPresence()
  const { features = [] } = await agent.getDiscoInfo(romeo)
  fact(`archive told: ${features.includes('urn:xmpp:mam:2') && features.includes('urn:xmpp:mam:2#extended')}`)
  const form = await agent.getHistorySearchForm(romeo)
  fact(`fields: ${form.fields?.map((it) => it.name).join(' ')}`)

  for (const body of ['one', 'two', 'three']) agent.sendMessage({ to: romeo, type: 'chat', body })
  agent.sendMessage({ to: `juliet@elsewhere.${domain}`, type: 'chat', body: 'far away' })
  await agent.ping(domain)

  const first = await agent.searchHistory({ with: romeo, paging: { max: 2 } })
  fact(`first page: ${bodies(first)}, complete: ${first.complete ?? false}, of ${first.paging?.count}`)
  const second = await agent.searchHistory({ with: romeo, paging: { max: 2, after: first.paging?.last ?? '' } })
  fact(`second page: ${bodies(second)}, complete: ${second.complete ?? false}`)
  fact(`ids are those of the live messages: ${[...(first.results ?? []), ...(second.results ?? [])].every((it, at) => it.id === liveIds[at])}`)
  const last = await agent.searchHistory({ paging: { max: 1, before: '' } })
  fact(`last page: ${bodies(last)}, times: ${last.results?.every((it) => Math.abs(Number(it.item.delay?.timestamp) - Date.now()) < 60_000)}`)
  const far = await agent.searchHistory(romeo, { with: `juliet@elsewhere.${domain}`, start: new Date(0), end: new Date() })
  fact(`with juliet: ${bodies(far)}`)
  fact(
    `unknown id: ${await agent.searchHistory({ paging: { after: 'unknown' } }).then(
      () => 'found',
      (error: { readonly error?: { readonly condition?: string } }) => error.error?.condition,
    )}`,
  )

  await agent.setHistoryPreferences({ default: 'never', always: [`juliet@${domain}`], never: [] })
  const preferences = await agent.getHistoryPreferences()
  fact(`preferences: ${preferences.default}, always ${preferences.always}`)
}

function bodies(page: { readonly results?: readonly { readonly item: { readonly message?: { readonly body?: string } } }[] }): string {
  return (page.results ?? []).map((it) => it.item.message?.body).join(' ')
}

await play()
process.exit(0)
