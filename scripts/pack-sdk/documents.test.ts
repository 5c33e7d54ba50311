import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { packedDocuments } from './documents.js'

async function tree(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'beaconfire-documents-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  for (const [path, contents] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), contents)
  }
  return root
}

test('pages of the repository that are led to are packed with what they lead to, and links lead to where things lie in the package', async (t) => {
  const code = '```md\n[not](a-link.md)\n```'
  const root = await tree(t, {
    'plugin-sdk/README.md': `[run](../docs/run.md#how), [hooks](hooks.ts), [examples](examples), [web](https://example.org/x.md)\n\n${code}\n`,
    'plugin-sdk/examples/README.md': '[run](../../docs/run.md), [one](one/index.ts)',
    'plugin-sdk/examples/one/index.ts': 'export {}',
    'plugin-sdk/notes.md': 'not published',
    'docs/run.md': '[more](more.md), [guide](../plugin-sdk/README.md)',
    'docs/more.md': 'more',
    'docs/other.md': 'nobody leads here',
  })
  const files = await packedDocuments(root, ['hooks.d.ts', 'hooks.js'])
  assert.deepEqual(Object.fromEntries([...files].map(([path, contents]) => [path, contents.toString()])), {
    'README.md': `[run](docs/run.md#how), [hooks](hooks.d.ts), [examples](examples), [web](https://example.org/x.md)\n\n${code}\n`,
    'examples/README.md': '[run](../docs/run.md), [one](one/index.ts)',
    'examples/one/index.ts': 'export {}',
    'docs/run.md': '[more](more.md), [guide](../README.md)',
    'docs/more.md': 'more',
  })
})

test('a link that would lead to nothing is named, and nothing is packed', async (t) => {
  for (const link of ['gone.md', 'hooks.ts', '../LICENSE', '../docs/gone.md']) {
    const root = await tree(t, { 'plugin-sdk/README.md': `[x](${link})`, LICENSE: '' })
    await assert.rejects(packedDocuments(root, []), (error: Error) => error.message.includes('gone.md') || error.message.includes(`links to ${link}`))
  }
})
