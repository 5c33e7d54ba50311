/** Main module of the process of one version: loads it, leads what it is given past its interceptors, and answers. */
import { mock } from 'node:test'
import { JidError, XmlError } from '@beaconfire/plugin-sdk'
import { loadVersion, type RunningVersion } from './load-version.js'
import type { FromVersion, ToVersion } from './version-messages.js'

let running: RunningVersion | undefined

async function answerTo(message: ToVersion): Promise<FromVersion> {
  switch (message.kind) {
    case 'load':
      try {
        running = await loadVersion(message.request)
        return { kind: 'loaded', loaded: running.loaded }
      } catch (error) {
        return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
      }
    case 'passage': {
      // What depends on time must see the time between stanzas.
      mock.timers.setTime(message.passage.at)
      try {
        return { kind: 'outcome', outcome: await (running as RunningVersion).rehearsed.take(message.passage) }
      } catch (error) {
        if (!(error instanceof XmlError || error instanceof JidError || error instanceof TypeError)) throw error
        return { kind: 'unreadable', message: error.message }
      }
    }
    case 'end': {
      const summary = await (running as RunningVersion).end()
      return { kind: 'ended', summary }
    }
  }
}

const send = process.send?.bind(process)
if (!send) throw new Error('this module is run by `beaconfire rehearse`')
mock.timers.enable({ apis: ['Date'], now: Date.now() })
/** One after the other; the answer is under way before the next begins, so that a stanza which hangs is the first without one. */
let last: Promise<void> = Promise.resolve()
process.on('message', (message: ToVersion) => {
  last = last.then(async () => {
    const answer = await answerTo(message)
    await new Promise((resolve) => send(answer, undefined, undefined, resolve))
    if (message.kind === 'end') process.exit(0)
  })
})
process.on('disconnect', () => process.exit(1))
send({ kind: 'listening' } satisfies FromVersion)
