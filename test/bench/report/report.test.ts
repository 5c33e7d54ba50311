import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Part } from '../generator/request.js'
import type { RunRecord } from '../run/run-record.js'
import { type Baseline, baselineLines, compare } from './baseline.js'
import { readBaseline, writeBaseline } from './baseline-file.js'
import { figuresOf } from './figures.js'
import { markdownTable } from './table.js'

function run(server: string, perCpuSecond: number, more: Partial<RunRecord> = {}): RunRecord {
  const part: Part = { name: '', count: 1000, wallSeconds: 1, perSecond: 1000, perCpuSecond, serverShare: 1, generatorShare: 0.2, otherShare: 0 }
  return {
    scenario: 'messages-w1',
    server,
    round: 1,
    startedAt: '2000-01-01T00:00:00.000Z',
    workload: { kind: 'messages', pairs: 1, bytes: 100, warmup: 0, pace: { each: 1000, window: 1 } },
    ok: true,
    faults: { lost: 0, duplicated: 0, outOfOrder: 0, errors: 0 },
    parts: [part],
    ...more,
  }
}

function idleRun(server: string, bytesPerConnection: number): RunRecord {
  const idle = { bytesPerConnection, proportionalBytesPerConnection: 0, memoryAfterStartKib: 100 * 1024, quietShare: 0 }
  return run(server, 1, { scenario: 'idle', workload: { kind: 'idle', connections: 1, concurrency: 1, holdSeconds: 0 }, idle })
}

function baseline(runs: readonly RunRecord[], calibrations: readonly number[] = []): Baseline {
  return { made: '2000-01-01', machine: '', quick: false, lines: baselineLines(figuresOf(runs), calibrations) }
}

test('a figure is the median of the rounds that were good', () => {
  const [figure] = figuresOf([run('prosody', 10), run('prosody', 30), run('prosody', 20), run('prosody', 1000, { ok: false })])
  assert.equal(figure?.value, 20)
  assert.equal(figure?.good, 3)
  assert.equal(figure?.all, 4)
})

test('the table compares with the better of two peers, whichever way is better', () => {
  const table = markdownTable(figuresOf([run('beaconfire', 300), run('prosody', 100), run('ejabberd', 200)]))
  assert.match(table, /\| messages-w1 \| beaconfire \| 300 per CPU-s \| 1\.50 \|/)
  const idle = markdownTable(figuresOf([idleRun('beaconfire', 20 * 1024), idleRun('prosody', 30 * 1024), idleRun('ejabberd', 70 * 1024)]))
  assert.match(idle, /\| idle \| beaconfire \| 20\.0 KiB each \| 1\.50 \|/)
})

test('what no peer can do is compared with a line of our own: interceptors with none, offenders with clients that do all they may', () => {
  const lines = [
    ['interceptors-0', 400],
    ['interceptors-1-sync', 300],
    ['hostile-nobody', 1000],
    ['hostile-allowed', 500],
    ['hostile-flood', 600],
  ] as const
  const table = markdownTable(figuresOf(lines.map(([scenario, value]) => run('beaconfire', value, { scenario }))))
  assert.match(table, /\| interceptors-0 \| beaconfire \| 400 per CPU-s \| - \|/)
  assert.match(table, /\| interceptors-1-sync \| beaconfire \| 300 per CPU-s \| 0\.75 of none \|/)
  assert.match(table, /\| hostile-nobody \| beaconfire \| 1,000 per CPU-s \| 2\.00 of allowed \|/)
  assert.match(table, /\| hostile-flood \| beaconfire \| 600 per CPU-s \| 1\.20 of allowed \|/)
})

test('what the machine allows is no peer to compare with', () => {
  const figures = figuresOf([run('beaconfire', 300), run('prosody', 100), run('relay', 900)])
  assert.match(markdownTable(figures), /\| messages-w1 \| beaconfire \| 300 per CPU-s \| 3\.00 \|/)
  assert.deepEqual(Object.keys(baselineLines(figures, [])['messages-w1']?.ratios ?? {}), ['prosody'])
})

test('a slower machine is no loss, a slower server is', () => {
  const before = baseline([run('beaconfire', 300), run('prosody', 100)], [1000])
  const [slowMachine] = compare(before, figuresOf([run('beaconfire', 150), run('prosody', 50)]), [1000])
  assert.deepEqual([slowMachine?.change, slowMachine?.isLoss], [1, false])
  const [slowServer] = compare(before, figuresOf([run('beaconfire', 260), run('prosody', 100)]), [1000])
  assert.deepEqual([slowServer?.change, slowServer?.isLoss, slowServer?.references], [0.867, true, ['prosody']])
})

test('without a peer the calibration loop stands in', () => {
  const before = baseline([run('beaconfire', 300), run('prosody', 100)], [1000])
  const [verdict] = compare(before, figuresOf([run('beaconfire', 120)]), [500])
  assert.deepEqual([verdict?.change, verdict?.isLoss, verdict?.references], [0.8, true, ['calibration']])
})

test('more memory for a connection is a loss', () => {
  const before = baseline([idleRun('beaconfire', 20 * 1024)])
  const verdicts = compare(before, figuresOf([idleRun('beaconfire', 25 * 1024)]), [])
  assert.deepEqual(
    verdicts.map((it) => [it.line, it.change, it.isLoss]),
    [
      ['idle', 0.8, true],
      ['idle-after-start', 1, false],
    ],
  )
})

test('each machine has a baseline of its own, and one without is compared with the latest of another', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'beaconfire-baseline-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'baseline.json')
  assert.throws(() => readBaseline('one', false, file), /no baseline yet/)
  const line = (value: number) => ({ value, unit: 'per CPU-s', ratios: {} }) as const
  const made = { made: '2000-01-01', quick: false }
  writeBaseline({ ...made, machine: 'one', lines: { a: line(1), b: line(1) } }, file)
  writeBaseline({ ...made, machine: 'two', lines: { a: line(2) } }, file)
  writeBaseline({ ...made, machine: 'one', lines: { a: line(3) } }, file)
  assert.deepEqual(readBaseline('one', false, file).lines, { a: line(3), b: line(1) })
  assert.equal(readBaseline('two', false, file).machine, 'two')
  assert.equal(readBaseline('three', false, file).machine, 'one')
  assert.throws(() => readBaseline('one', true, file), /were made without --quick/)
})
