import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createSelfSignedCertificate } from './self-signed-certificate.js'
import { ChannelBindings, endPointData } from './tls-channel-binding.js'

/** Certificates in DER, base64, made with OpenSSL. */
const SIGNED = {
  rsaSha1:
    'MIIB9jCCAV+gAwIBAgIUGUrySRqQKt+8NZd6oPVK1Nf81b8wDQYJKoZIhvcNAQEFBQAwDDEKMAgGA1UEAwwBdDAgFw0yNjExMjEwODEwMjlaGA8yMTA5MDExMDA4MTAyOVowDDEKMAgG' +
    'A1UEAwwBdDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEA+KTggDhXCbAFR+qACGJ+/4loZyKfP+8G8ATFbAeL2AfTL7EoE10Rh0i69lnKt+pjrWNBKMOWkSsV9NnLOddlvT2Zspbn' +
    'myOHdZfBFitWCH2mAcDkZP9e9fOlyM0MmKRvEwdHcRYmBA0YdNMhGyxhituyLHagc5SRreXckAaqpNECAwEAAaNTMFEwHQYDVR0OBBYEFDFiwODX01ie/WDSYSCBXS8mU35ZMB8GA1Ud' +
    'IwQYMBaAFDFiwODX01ie/WDSYSCBXS8mU35ZMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQEFBQADgYEAyH/DWmYrcm4fYCx7Bgb7D5qO4NKbErA3C49r61nmEYqCMcm4rIZXlm5L' +
    'zCsgztuX82fqqE+L/OMGNN6xTypZYqsEc31tmBQ/bKgUs/x4EhkJK+SZbZ0eJ54dYvQvaXVlvhqKQUXI0IqyeGUFPz03fDHxwP0XrJ9wN5vBuRExi1M=',
  ecdsaSha384:
    'MIIBbzCCARWgAwIBAgIUIT3QgLhETDXBipIJGQSpdVbWWdUwCgYIKoZIzj0EAwMwDDEKMAgGA1UEAwwBdDAgFw0yNjExMjEwODEwMjlaGA8yMTA5MDExMDA4MTAyOVowDDEKMAgGA1UE' +
    'AwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG3TpRpWQ0O7BvuNN6z7MNs3nWNw7yIWxxORnmldNZ/h4pcG03WdwRAcN5MOZXmXWyPhOLvD1PICULTSt3OECfKjUzBRMB0GA1Ud' +
    'DgQWBBTG7NtmiW73EI4iT/zH/cP0WkOy9zAfBgNVHSMEGDAWgBTG7NtmiW73EI4iT/zH/cP0WkOy9zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMDA0gAMEUCIQDW5e+0H+Pr3psx' +
    '8oy8lxXC3h35QA0hF6SmyMaFhihLLwIgZ3hJAvKJgd332rKPcV1an6PQpTjBSnH0iIUiYeVWLNc=',
  pssSha512:
    'MIIC1DCCAc6gAwIBAgIULHQkLvh+1jImaLrUPAd83iICZ3cwPAYJKoZIhvcNAQEKMC+gDzANBglghkgBZQMEAgMFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgMFADAMMQowCAYD' +
    'VQQDDAF0MCAXDTI2MTEyMTA4MTAyOVoYDzIxMDkwMTEwMDgxMDI5WjAMMQowCAYDVQQDDAF0MIHfMA0GCSqGSIb3DQEBAQUAA4HNADCByQKBwQDCZvKtezAbZi6fNsF/6BSJZ0e7NuZj' +
    'pdNcUIAi7GugFCg9T2O4UxGWfWeByTXycKQm7HWUsr8x1EMdPWPzW0h/Evl8dQ0vHA6B1BXXYEks3zQiLWhVW/gwmEA0iQBSLus7We/awGqQ1JF7A28ChPqEU8kU849O+bSOtjr32b0B' +
    'LyWLJeZovO/fh6m7X7+qYLIqv0xihKOnoi5I/Zqjfq/owTQuqI8alqeLxPg1aehw8agMsehwHofwkiaTu4Q3sCsCAwEAAaNTMFEwHQYDVR0OBBYEFKU//T5qdYGYalHUdJO1ZBI3DurM' +
    'MB8GA1UdIwQYMBaAFKU//T5qdYGYalHUdJO1ZBI3DurMMA8GA1UdEwEB/wQFMAMBAf8wPAYJKoZIhvcNAQEKMC+gDzANBglghkgBZQMEAgMFAKEcMBoGCSqGSIb3DQEBCDANBglghkgB' +
    'ZQMEAgMFAAOBwQAeUuBi0UCFQ4RcZSJAQhTUCLtXfvhIhy2bScyMSi51w0iEHxJa07dqY02eMkFeBBbBPJpSSS/ZSWOy0EpJChwnDKNzDzLKs5w3HRCfZHR3hjJRro7MwJYNrgRwuAQr' +
    'XDs8CnBRmE76NrhwclLGiEZH2odpwcOTqFqfAKc38UV6x2K9WdSEsmrQ+pEoS2cNFgye7s0xyECYN8teSuz6DxcZsjBVk6aPHq45chpvva58qtFs+C/PapMygeIngfDEEbE=',
  pssSha1:
    'MIICADCCAWSgAwIBAgIUJCsm+t8zkycxC8a+FpTMPNOHfmowEgYJKoZIhvcNAQEKMAWiAwIBajAMMQowCAYDVQQDDAF0MCAXDTI2MTEyMTA4MTAyOVoYDzIxMDkwMTEwMDgxMDI5WjAM' +
    'MQowCAYDVQQDDAF0MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC0CvNvvUyDBCjdYjGaQyYLDTT0h11VbkPU4wlXnE4AhaCI5KB42MpHnpCGPXkSWDPVceQCUB6uHt9mQ2xj4rq7' +
    'CDK8vX4LDZAnLPDmAdPZKUZiV5KMPMN71JsbK30E2SLWDzoozLxnnklTTHxPbERWf53Pe41LiO4s+Q3mtRiidQIDAQABo1MwUTAdBgNVHQ4EFgQUhOyCqznnwSTpFl3HI0LVMYNJKEIw' +
    'HwYDVR0jBBgwFoAUhOyCqznnwSTpFl3HI0LVMYNJKEIwDwYDVR0TAQH/BAUwAwEB/zASBgkqhkiG9w0BAQowBaIDAgFqA4GBAHB/a6DtpNRY4T8/cPjxmcajuO9Zv3ck3QHItHLd3FSP' +
    'HskJ+i5fC007r0dzptUsqHRifs0ompFGqhuKRfLFWlMH8A7v1ZB7gKnwrmvy6BgD/MHyTQgX+YfE/gDo5TbsRK/B5dCu3nLs2+hTdzZ2Az8Ho5jqq+MnxLRKiP6Umt+o',
  ed25519:
    'MIIBLjCB4aADAgECAhRFPPKpyXAw2DHlKjmUhqmgXCWaMTAFBgMrZXAwDDEKMAgGA1UEAwwBdDAgFw0yNjExMjEwODEwMjlaGA8yMTA5MDExMDA4MTAyOVowDDEKMAgGA1UEAwwBdDAq' +
    'MAUGAytlcAMhACm6AaNtyp1MFopSeHgkLPnEK7wtmv2Bp6fkOT/9LoLzo1MwUTAdBgNVHQ4EFgQUxnrAYMECtWO4mxB0xFZIx06U1fMwHwYDVR0jBBgwFoAUxnrAYMECtWO4mxB0xFZI' +
    'x06U1fMwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQDKGJs4ZCfdmg0H9IOjoTuGOJWkhk2JghyKEFSxMP4CKTTC+sgwPDbTWKUDjGDIueh3CdFSMkimkGY2h68/LScI',
}

const der = (name: keyof typeof SIGNED) => Buffer.from(SIGNED[name], 'base64')

for (const [name, hash] of [
  ['rsaSha1', 'sha256'],
  ['ecdsaSha384', 'sha384'],
  ['pssSha512', 'sha512'],
  ['pssSha1', 'sha256'],
] as const) {
  test(`tls-server-end-point of a certificate signed with ${name} is its ${hash} (RFC 5929 section 4.1)`, () => {
    assert.deepEqual(endPointData(der(name)), createHash(hash).update(der(name)).digest())
  })
}

test('tls-server-end-point is not defined for a signature without a hash of its own, and not offered then', () => {
  assert.equal(endPointData(der('ed25519')), undefined)
  const bindings = new ChannelBindings(`-----BEGIN CERTIFICATE-----\n${SIGNED.ed25519}\n-----END CERTIFICATE-----\n`)
  const over = (protocol: string) => bindings.types({ getProtocol: () => protocol } as never)
  assert.deepEqual([over('TLSv1.3'), over('TLSv1.2')], [['tls-exporter'], []])
})

test('a connection that was shown another certificate is bound to that one', () => {
  const bindings = new ChannelBindings(createSelfSignedCertificate('renewed.example').certificate)
  const socket = { getProtocol: () => 'TLSv1.2', getX509Certificate: () => ({ raw: der('ecdsaSha384') }) }
  assert.deepEqual(bindings.data(socket as never, 'tls-server-end-point'), endPointData(der('ecdsaSha384')))
})
