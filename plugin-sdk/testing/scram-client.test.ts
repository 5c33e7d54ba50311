import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ScramClient } from './scram-client.js'

test('the exchanges of RFC 5802 §5 and RFC 7677 §3 are reproduced', () => {
  const sha1 = new ScramClient('SCRAM-SHA-1', 'user', 'pencil', 'fyko+d2lbbFgONRv9qkxdawL')
  assert.equal(sha1.first(), 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL')
  assert.equal(
    sha1.final('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096'),
    'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
  )
  sha1.verify('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=')

  const sha256 = new ScramClient('SCRAM-SHA-256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO')
  const final = sha256.final('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096')
  assert.match(final, /,p=dHzbZapWIk4jUhN\+Ute9ytag9zjfMHgsqmmiz7AndVQ=$/)
  sha256.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
})

test('a server that does not know the account is found out', () => {
  const client = new ScramClient('SCRAM-SHA-1', 'user', 'pencil', 'abc')
  assert.throws(() => client.final('r=xyz,s=QSXCR+Q6sek8bf92,i=4096'), /did not extend the nonce/)
  client.final('r=abcdef,s=QSXCR+Q6sek8bf92,i=4096')
  assert.throws(() => client.verify('v=rmF9pqV8S7suAoZWja4dJRkFsKQ='), /wrong server signature/)
})
