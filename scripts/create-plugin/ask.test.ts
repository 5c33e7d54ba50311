import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { ask, Cancelled } from './ask.js'

/** Types each text once the one before it has been answered on the screen. */
function terminal(keys: readonly { readonly at: string; readonly type: string }[]) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const left = [...keys]
  let screen = ''
  output.on('data', (chunk: Buffer) => {
    screen += chunk.toString()
    const next = left[0]
    if (!next || !screen.includes(next.at)) return
    left.shift()
    screen = ''
    setImmediate(() => input.write(next.type))
  })
  return { input, output }
}

const [RETURN, SPACE, DOWN, ESCAPE] = ['\r', ' ', '\u001b[B', '\u001b']

test('on a terminal, the name and the parts are asked for', async () => {
  const asked = await ask(
    { parts: {} },
    terminal([
      { at: 'Name of the plugin', type: 'hello' },
      { at: 'hello', type: RETURN },
      { at: 'What shall it have', type: DOWN },
      { at: '', type: SPACE },
      { at: '', type: RETURN },
    ]),
  )
  assert.deepEqual(asked, { name: 'hello', parts: { interceptor: true, iqHandler: true } })
})

test('a name that will not do is refused where it is typed, and what the command line said is not asked', async () => {
  const asked = await ask(
    { parts: { table: true } },
    terminal([
      { at: 'Name of the plugin', type: 'My Plugin' },
      { at: 'Plugin', type: RETURN },
      { at: 'is no name for a plugin', type: '\u0015my-plugin' }, // Ctrl-U empties the line
      { at: 'my-plugin', type: RETURN },
    ]),
  )
  assert.deepEqual(asked, { name: 'my-plugin', parts: { table: true } })
})

test('Escape ends it', async () => {
  await assert.rejects(ask({ name: 'hello', parts: {} }, terminal([{ at: 'What shall it have', type: ESCAPE }])), Cancelled)
})
