import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from './recording-logger.js'

test('a recording logger keeps entries with the fields of its children', () => {
  const { log, entries } = recordingLogger()
  log.child({ plugin: 'demo' }).warn({ jid: 'a@b' }, 'odd')
  assert.deepEqual(entries, [{ level: 'warn', message: 'odd', fields: { plugin: 'demo', jid: 'a@b' } }])
})
