import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from './log.js'

function lines() {
  const written: string[] = []
  return { written, sink: { write: (line: string) => void written.push(line) } }
}

test('json lines carry level, time, fields of the child, and errors with their stack', () => {
  const { written, sink } = lines()
  createLogger({ level: 'info', format: 'json' }, sink)
    .child({ plugin: 'demo' })
    .error({ error: new Error('broken') }, 'it failed')
  const entry = JSON.parse(written[0] ?? '')
  assert.equal(entry.level, 'error')
  assert.equal(entry.plugin, 'demo')
  assert.equal(entry.msg, 'it failed')
  assert.equal(entry.error.message, 'broken')
  assert.match(entry.error.stack, /log\.test\.ts/)
  assert.ok(Date.parse(entry.time) > 0)
})

test('lines below the level are not written', () => {
  const { written, sink } = lines()
  const log = createLogger({ level: 'warn', format: 'json' }, sink)
  log.info({}, 'unheard')
  log.warn({}, 'heard')
  assert.equal(written.length, 1)
})

test('pretty lines cannot be forged or steer the terminal by what a peer sent', () => {
  const { written, sink } = lines()
  const hostile = 'romeo\n[12:00:00.000] INFO: forged \u001b[2J'
  createLogger({ level: 'info', format: 'pretty' }, sink).warn({ jid: hostile, error: new Error(hostile) }, 'a peer misbehaved')
  const output = written.join('')
  assert.match(output, /WARN: a peer misbehaved/)
  assert.ok(!output.includes('\u001b'))
  assert.doesNotMatch(output, /^\[12:00:00\.000\] INFO: forged/m)
})
