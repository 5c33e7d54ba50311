import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judge } from './check-sdk-api.js'
import { publicFiles } from './sdk-api/declared.js'
import { type ApiReport, readReport, writeReport } from './sdk-api/report.js'

const INDEX = `export type { MaybePromise } from './maybe-promise.js';
export type { Timer } from './timer.js';
export { Jid } from './jid.js';
export type { IqHandler } from './iq-handler.js';
`
const BEFORE = {
  'index.d.ts': INDEX,
  'testing/index.d.ts': `export { startTestServer } from './test-server.js';\n`,
  'testing/test-server.d.ts': `import type { Timer } from '../timer.js';\nexport declare function startTestServer(timer: Timer): void;\n`,
  'maybe-promise.d.ts': `/** Either. */\nexport type MaybePromise<T> = T | Promise<T>;\n`,
  'timer.d.ts': `/** A timer.\n * @public */\nexport interface Timer {\n    /** Ends it. */\n    cancel(): void;\n    readonly details?: {\n        readonly ms: number;\n    };\n}\n`,
  'jid.d.ts': `export declare class Jid {\n    #private;\n    static parse(text: string): Jid;\n    readonly local: string;\n}\n`,
  'iq-handler.d.ts': `interface Hidden {\n    readonly depth: number;\n}\nexport interface IqHandler {\n    readonly namespace: string;\n    handle(hidden: Hidden): void;\n}\n`,
  'internal.d.ts': `export declare function internal(): void;\n`,
}

function filesOf(texts: Readonly<Record<string, string>>) {
  return publicFiles(new Map(Object.entries(texts)))
}

function reportOf(version: string, isPublished: boolean): ApiReport {
  // Through the file and back, as it is compared.
  return readReport(writeReport({ version, isPublished, files: filesOf(BEFORE) }))
}

/** What is judged of a file that was changed, against a published version. */
function changed(file: keyof typeof BEFORE, from: string, to: string, version = '1.2.3', released = '1.2.3') {
  assert.ok(BEFORE[file].includes(from), `${file} has ${from}`)
  return judge(reportOf(released, true), version, filesOf({ ...BEFORE, [file]: BEFORE[file].replace(from, to) }))
}

describe('against a published version', () => {
  test('the same types are fine, as are changes of comments and of what is not public', () => {
    assert.equal(judge(reportOf('1.2.3', true), '1.2.3', filesOf(BEFORE)).isFine, true)
    assert.equal(changed('timer.d.ts', 'Ends it.', 'Ends it for good.').isFine, true)
    assert.equal(changed('internal.d.ts', 'internal(): void', 'internal(): string').isFine, true)
  })

  test('what is added asks for a minor version', () => {
    for (const [file, from, to] of [
      ['timer.d.ts', '    /** Ends', '    refresh(): void;\n    /** Ends'],
      ['jid.d.ts', '    readonly local', '    readonly domain: string;\n    readonly local'],
      ['iq-handler.d.ts', '    readonly namespace', '    readonly type?: string;\n    readonly namespace'],
      ['index.d.ts', '{ Timer }', '{ Timer, Timers }'],
    ] as const) {
      const { isFine, message } = changed(file, from, to)
      assert.equal(isFine, false, `${file}: ${to}`)
      assert.match(message, /added[\s\S]*from 1\.2\.3 to 1\.3\.0 or higher/)
      assert.equal(changed(file, from, to, '1.3.0').isFine, true)
    }
  })

  test('what is taken away, changed, or required of plugins anew asks for a major version', () => {
    for (const [file, from, to] of [
      ['timer.d.ts', 'cancel(): void', 'cancel(): Promise<void>'],
      ['timer.d.ts', 'ms: number', 'ms: string'],
      ['jid.d.ts', '    readonly local: string;\n', ''],
      ['jid.d.ts', 'class Jid {', 'class Jid extends Error {'],
      ['maybe-promise.d.ts', 'T | Promise<T>', 'Promise<T>'],
      ['iq-handler.d.ts', '    readonly namespace', '    readonly type: string;\n    readonly namespace'],
      ['iq-handler.d.ts', 'depth: number', 'depth: string'],
      ['index.d.ts', `export type { Timer } from './timer.js';\n`, ''],
      ['testing/index.d.ts', 'startTestServer', 'startServer'],
      ['testing/test-server.d.ts', '(timer: Timer)', '()'],
    ] as const) {
      const { isFine, message } = changed(file, from, to, '1.3.0')
      assert.equal(isFine, false, `${file}: ${to}`)
      assert.match(message, /BREAKING[\s\S]*from 1\.3\.0 to 2\.0\.0 or higher/)
      assert.equal(changed(file, from, to, '2.0.0').isFine, true)
    }
  })

  test('a message shows what was and what is', () => {
    assert.match(
      changed('timer.d.ts', 'cancel(): void', 'cancel(): boolean').message,
      /Timer\.cancel is declared otherwise:\n {2}- cancel\(\): void;\n {2}\+ cancel\(\): boolean;/,
    )
    assert.match(changed('testing/index.d.ts', 'startTestServer', 'startServer').message, /startTestServer of \/testing is gone/)
  })

  test('a change is told once, and an overload besides those there were is an addition', () => {
    const { changes } = changed('timer.d.ts', 'cancel(): void', 'cancel(): boolean')
    assert.equal(changes.length, 1)
    const overloaded = changed('jid.d.ts', '    readonly local', '    static parse(text: Uint8Array): Jid;\n    readonly local')
    assert.deepEqual(overloaded.changes, [{ kind: 'added', what: 'Jid.parse has a new form' }])
  })

  test('a declaration may move to another file', () => {
    const { 'jid.d.ts': jid, ...rest } = BEFORE
    const moved = { ...rest, 'address.d.ts': jid, 'index.d.ts': INDEX.replace('./jid.js', './address.js') }
    assert.equal(judge(reportOf('1.2.3', true), '1.2.3', filesOf(moved)).isFine, true)
  })

  test('below 1.0.0 a breaking change raises the minor version, an addition the patch', () => {
    assert.match(changed('jid.d.ts', '    readonly local: string;\n', '', '0.4.2', '0.4.2').message, /to 0\.5\.0/)
    assert.match(changed('timer.d.ts', '    /** Ends', '    refresh(): void;\n    /** Ends', '0.4.2', '0.4.2').message, /to 0\.4\.3/)
    assert.equal(changed('timer.d.ts', '    /** Ends', '    refresh(): void;\n    /** Ends', '0.10.0', '0.4.2').isFine, true)
  })
})

test('types of a version that is not published may change, once they are written down', () => {
  const next = filesOf({ ...BEFORE, 'jid.d.ts': BEFORE['jid.d.ts'].replace('    readonly local: string;\n', '') })
  const { isFine, message } = judge(reportOf('0.1.0', false), '0.1.0', next)
  assert.equal(isFine, false)
  assert.match(message, /BREAKING Jid\.local is gone\n0\.1\.0 is not published yet.*npm run sdk-api, and commit/)
  assert.equal(judge({ version: '0.1.0', isPublished: false, files: next }, '0.1.0', next).isFine, true)
})

test('a report that is none is refused', () => {
  assert.throws(() => readReport('# Notes'), /no report/)
})
