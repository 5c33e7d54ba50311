import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encrypt } from '../../test/support/openfire-database.js'
import { PasswordCipher } from './password-cipher.js'

const SALT = Buffer.alloc(32, 9).toString('base64')

test('what Openfire encrypted is read with either key derivation, and by none but the right one', async () => {
  const sha1 = await PasswordCipher.create('key', 'sha1', undefined)
  const derived = await PasswordCipher.create('key', 'pbkdf2', SALT)
  for (const password of ['a', 'secret', 'pässwörd 密码', '😀'.repeat(4), 'x'.repeat(55)]) {
    assert.equal(sha1.decrypt(encrypt(password, 'key')), password)
    assert.equal(derived.decrypt(encrypt(password, 'key', SALT)), password)
    assert.notEqual(sha1.decrypt(encrypt(password, 'key', SALT)), password)
    assert.notEqual(derived.decrypt(encrypt(password, 'other', SALT)), password)
  }
})

test('what it writes is read by itself, and differs each time', async () => {
  const cipher = await PasswordCipher.create('key', 'sha1', undefined)
  const [one, other] = [cipher.encrypt('secret'), cipher.encrypt('secret')]
  assert.notEqual(one, other)
  assert.equal(cipher.decrypt(one ?? ''), 'secret')
  assert.equal(cipher.decrypt((other ?? '').toUpperCase()), 'secret')
})

test('a password that the column cannot hold is not written, and a row that is none is not read', async () => {
  const cipher = await PasswordCipher.create('key', 'sha1', undefined)
  assert.equal(cipher.encrypt('x'.repeat(56)), undefined)
  assert.equal((cipher.encrypt('x'.repeat(55)) ?? '').length, 240)
  for (const text of ['', 'secret', '00', 'ab'.repeat(8), 'ab'.repeat(20), `${cipher.encrypt('secret')}0`, `zz${'ab'.repeat(15)}`]) {
    assert.equal(cipher.decrypt(text), undefined)
  }
})

test('a salt that is none is refused', async () => {
  await assert.rejects(PasswordCipher.create('key', 'pbkdf2', undefined), RangeError)
})
