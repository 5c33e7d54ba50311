import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { AdminToken, bearerToken } from './admin-token.js'
import { redacted } from './audit-trail.js'
import { hostCheck } from './host-check.js'
import { attachment } from './streamed-reply.js'
import { TokenThrottle } from './token-throttle.js'

test('a token file that holds no hash is an error that says what to do', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-token-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'admin-token.sha256'), '')
  await assert.rejects(AdminToken.load(undefined, folder), /delete it/)
  assert.ok((await AdminToken.load('configured', folder)).accepts('configured'))
})

test('only a bearer credential is read as a token', () => {
  assert.equal(bearerToken('Bearer abc'), 'abc')
  assert.equal(bearerToken('Bearer p@ss!'), 'p@ss!')
  assert.equal(bearerToken('bearer  a-b_c.d~e+f/g== '), 'a-b_c.d~e+f/g==')
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'Bearer a b', 'xBearer abc']) assert.equal(bearerToken(header), undefined)
})

test('wrong tokens are counted by address for a minute, a /64 of IPv6 as one', () => {
  let now = 1_000_000
  const throttle = new TokenThrottle(() => now)
  for (let i = 0; i < 20; i++) {
    assert.equal(throttle.retryAfter('192.0.2.1'), undefined)
    throttle.failed('192.0.2.1')
    throttle.failed(`2001:db8::${i}`)
  }
  assert.equal(throttle.retryAfter('192.0.2.1'), 60)
  assert.equal(throttle.retryAfter('2001:db8:0:0:ffff::1'), 60)
  assert.equal(throttle.retryAfter('2001:db8:0:1::1'), undefined)
  assert.equal(throttle.retryAfter('192.0.2.2'), undefined)
  now += 60_000
  assert.equal(throttle.retryAfter('192.0.2.1'), undefined)
})

test('a listener that is not on loopback is reached under any name', () => {
  assert.equal(hostCheck('0.0.0.0', 'im.example'), undefined)
  assert.equal(hostCheck('::', undefined), undefined)
  assert.equal(hostCheck('::1', undefined)?.('[::1]:9090'), true)
  assert.equal(hostCheck('127.0.0.2', undefined)?.('127.0.0.2:9090'), true)
  assert.equal(hostCheck('localhost', undefined)?.(undefined), false)
})

test('secrets are redacted at any depth, and depth has an end', () => {
  assert.deepEqual(redacted({ a: [{ newPassword: 'x', b: 1 }], token: { c: 2 } }), { a: [{ newPassword: '(redacted)', b: 1 }], token: '(redacted)' })
  let deep: object = {}
  for (let i = 0; i < 20; i++) deep = { deep }
  assert.ok(JSON.stringify(redacted(deep)).includes('too deep'))
})

test('a file name cannot leave its header', () => {
  assert.equal(attachment('chatlog-2026.csv'), 'attachment; filename="chatlog-2026.csv"')
  assert.equal(attachment('../x'), `attachment; filename="_x"; filename*=UTF-8''.._x`)
  assert.equal(attachment('\r\n'), `attachment; filename="__"; filename*=UTF-8''__`)
  assert.equal(attachment('\ud800'), `attachment; filename="_"; filename*=UTF-8''_`)
  assert.equal(attachment("é'"), `attachment; filename="__"; filename*=UTF-8''%C3%A9%27`)
})
