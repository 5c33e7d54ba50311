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

/** Made by two other implementations of Blowfish, OpenSSL's and Java's, which agree. */
const VECTORS = [
  ['sha1', 'secret', '0011223344556677fe58f88230126bd975c82b2cc44a8862'],
  ['sha1', 'pässwörd 密码 😀', 'fedcba987654321076f73dfb0c91487aea761a4ae9feb85fc54951fc23c81e38ccaa5b834ab0fe2b'],
  ['pbkdf2', 'secret', '00112233445566771e677e23c3445da9197b2b111136ddc3'],
  ['pbkdf2', 'pässwörd 密码 😀', 'fedcba98765432101965d3402e696837f9894d7d82fe7573bd7ac146957cfbec6be5fdf65bbff91b'],
] as const

for (const [derivation, password, stored] of VECTORS) {
  test(`a known password is read by key derivation ${derivation}: ${password}`, async () => {
    const salt = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64')
    const cipher = await PasswordCipher.create('K3y0f15Chars00x', derivation, salt)
    assert.equal(cipher.decrypt(stored), password)
    assert.equal(cipher.decrypt(stored.toUpperCase()), password)
  })
}

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
