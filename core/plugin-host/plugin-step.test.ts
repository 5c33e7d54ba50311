import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { definePlugin } from '@beaconfire/plugin-sdk'
import { testHost } from './plugin-host.fixture.js'

const BLOCKED_MS = 250

function block(): void {
  const until = performance.now() + BLOCKED_MS
  while (performance.now() < until);
}

test('a plugin that blocks the server in a step of its life or in a timer is named in the log, with the time; one that waits is not', async (t) => {
  const fired = new EventTarget()
  const blocking = definePlugin({
    name: 'blocking',
    version: '1.0.0',
    setup({ timers }) {
      block()
      return {
        start() {
          block()
          timers.after(1, () => {
            block()
            fired.dispatchEvent(new Event('fired'))
          })
        },
      }
    },
  })
  const waiting = definePlugin({
    name: 'waiting',
    version: '1.0.0',
    setup: () => ({ start: () => new Promise<void>((resolve) => void setTimeout(resolve, BLOCKED_MS)) }),
  })
  const it = await testHost(t, { builtIn: [blocking, waiting] })
  const done = once(fired, 'fired')
  await it.host.start()
  await done
  await new Promise(setImmediate)
  const named = it.log.lines.filter((line) => line.message === 'a plugin kept the whole server waiting')
  assert.deepEqual(
    named.map(({ fields }) => [fields.plugin, fields.step]),
    [
      ['blocking', 'setup()'],
      ['blocking', 'start()'],
      ['blocking', 'a timer'],
    ],
  )
  assert.ok(named.every(({ fields }) => (fields.ms as number) >= BLOCKED_MS))
})
