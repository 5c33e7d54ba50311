import assert from 'node:assert/strict'
import test from 'node:test'
import { adminRoute, Type } from '@beaconfire/plugin-sdk'
import { start } from './admin-server.fixture.js'

const upload = adminRoute({
  method: 'POST',
  path: '/files',
  summary: 'Takes a file',
  upload: { maxBytes: 2000 },
  query: Type.Object({ name: Type.String() }),
  response: Type.Object({ bytes: Type.Integer(), isBinary: Type.Boolean() }),
  handle: ({ body }) => ({ bytes: (body as Uint8Array).length, isBinary: body instanceof Uint8Array }),
})
const json = adminRoute({ method: 'POST', path: '/json', summary: 'Takes JSON', body: Type.Object({ a: Type.Integer() }), handle: () => ({}) })

test('a route that takes a file gets its bytes, up to its limit; one that does not takes none', async (t) => {
  const { call, acts, url } = await start(t, [upload, json])
  const send = (path: string, bytes: number, type = 'application/octet-stream') =>
    call(path, { method: 'POST', body: Buffer.alloc(bytes, 7), headers: { 'content-type': type } })
  const taken = await send('/api/v1/files?name=a', 2000, 'application/gzip')
  assert.deepEqual([taken.status, await taken.json()], [200, { bytes: 2000, isBinary: true }])
  assert.match(acts[0]?.details ?? '', /"body":"\(2000 bytes\)"/)
  assert.equal((await send('/api/v1/files?name=a', 2001)).status, 413)
  assert.equal((await send('/api/v1/files', 10)).status, 400)
  assert.equal((await send('/api/v1/files?name=a', 10, 'text/plain')).status, 415)
  assert.equal((await call('/api/v1/files?name=a', { method: 'POST', body: '{}' })).status, 415)
  assert.equal((await send('/api/v1/json', 10)).status, 415)
  assert.equal((await call('/api/v1/json', { method: 'POST', body: '{"a":1}' })).status, 200)
  const documented = (await (await fetch(`${url}/api/docs/json`)).json()) as { paths: Record<string, { post: { requestBody: { content: object } } }> }
  assert.ok('application/gzip' in (documented.paths['/api/v1/files']?.post.requestBody.content ?? {}))
})
