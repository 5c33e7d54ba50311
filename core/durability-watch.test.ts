import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '@beaconfire/plugin-sdk/testing'
import { warnWithoutJournal } from './durability-watch.js'
import type { PluginState, PluginStatus } from './plugin-host/registries.js'

test('the log says when the journal stops, fails or is gone, once each time, and when it is back', () => {
  const { log, entries } = recordingLogger()
  let state: PluginState | undefined = 'running'
  let changed = () => {}
  const list = () => [
    { state: 'running', provides: ['roster'] } as unknown as PluginStatus,
    ...(state ? [{ state, provides: ['deliveryJournal'] } as unknown as PluginStatus] : []),
  ]
  warnWithoutJournal({ list, onChange: (listener) => void (changed = listener) }, log)
  const levels: string[][] = []
  for (const next of ['running', 'unloaded', 'failed', 'running', undefined] as const) {
    const before = entries.length
    state = next
    changed()
    levels.push(entries.slice(before).map((it) => it.level))
  }
  assert.deepEqual(levels, [[], ['warn'], [], ['info'], ['warn']])
})
