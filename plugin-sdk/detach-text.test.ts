import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { detachText } from './detach-text.js'

test('any text stays what it is', () => {
  for (const text of ['', 'm1', 'Grüße', '朱丽叶', '🌹', 'half a \ud83c']) assert.equal(detachText(text), text)
})

test('what was read with it is not kept alive', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  const kept = Array.from({ length: 200 }, (_, at) => {
    const read = Buffer.alloc(65_536, `${at} `).toString('latin1')
    return detachText(read.slice(1000, 1036))
  })
  const grown = used() - before
  assert.equal(kept.length, 200)
  assert.ok(grown < 2_000_000, `${grown} bytes, of 13,000,000 that were read`)
})
