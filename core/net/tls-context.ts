/** Key and certificate of the server: the operator's, or one for development that is made once and kept in the data folder. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from 'node:tls'
import { domainToASCII } from 'node:url'
import type { Logger } from '@beaconfire/plugin-sdk'
import { askForCertificates } from './tls-client-certificate.js'

export interface TlsSettings {
  /** PEM files; either both or none. */
  readonly keyFile?: string | undefined
  /** The certificate first, then those between it and the root. */
  readonly certificateFile?: string | undefined
  /** PEM file of authorities that vouch for clients: then clients are asked for a certificate. */
  readonly clientCaFile?: string | undefined
  /** PEM file of revoked client certificates, one list for each of those authorities. */
  readonly clientCrlFile?: string | undefined
  readonly dataFolder: string
  readonly domain: string
  readonly log: Logger
}

export interface LoadedTls {
  /** TLS 1.2 or later (RFC 7590 §3.1). */
  readonly context: SecureContext
  readonly certificatePem: string
  readonly selfSigned: boolean
}

/** Key or certificate cannot be used; `message` says which file and why. */
export class TlsFilesUnusable extends Error {
  override readonly name = 'TlsFilesUnusable'
}

interface Pair {
  readonly key: string
  readonly certificate: string
}

/** A development certificate is made anew when it ends within this time. */
const RENEW_BEFORE_MS = 30 * 86_400_000

/** @throws (rejects) TlsFilesUnusable */
export async function loadTls({ keyFile, certificateFile, clientCaFile, clientCrlFile, dataFolder, domain, log }: TlsSettings): Promise<LoadedTls> {
  const clients = clientCaFile === undefined ? undefined : await readAuthorities(clientCaFile, clientCrlFile)
  if (keyFile !== undefined || certificateFile !== undefined) {
    if (keyFile === undefined || certificateFile === undefined) {
      throw new TlsFilesUnusable('a TLS key needs a certificate and the other way round: configure both c2s.tlsKey and c2s.tlsCertificate')
    }
    const pair = { key: await readPem(keyFile), certificate: await readPem(certificateFile) }
    const certificate = checkPair(pair, keyFile, certificateFile)
    if (certificate.validTo && Date.parse(certificate.validTo) < Date.now()) {
      log.warn({ certificateFile, validTo: certificate.validTo }, 'the TLS certificate has expired')
    }
    return loaded(pair, false, clients)
  }
  const folder = join(dataFolder, 'tls')
  const pair = (await readDevelopmentPair(folder, domain, log)) ?? (await createDevelopmentPair(folder, domain))
  log.warn({ folder, domain }, 'TLS uses a self-signed development certificate that no client trusts: configure c2s.tlsKey and c2s.tlsCertificate')
  return loaded(pair, true, clients)
}

/** What says whose certificates are trusted. */
interface Authorities {
  readonly ca: string
  readonly crl?: string
}

function loaded({ key, certificate }: Pair, selfSigned: boolean, clients: Authorities | undefined): LoadedTls {
  // RFC 7525 §4.1: no key transport by RSA, which has no forward secrecy; the server's order of preference holds.
  const options = { key, cert: certificate, minVersion: 'TLSv1.2', ciphers: `${DEFAULT_CIPHERS}:!kRSA`, honorCipherOrder: true } as const
  if (!clients) return { context: createSecureContext(options), certificatePem: certificate, selfSigned }
  // OpenSSL resumes no session that may stand for a client's certificate unless it knows whose sessions they are.
  const context = createSecureContext({ ...options, ...clients, sessionIdContext: 'beaconfire-c2s' })
  askForCertificates(context)
  return { context, certificatePem: certificate, selfSigned }
}

/** @throws TlsFilesUnusable */
async function readAuthorities(file: string, revocationsFile: string | undefined): Promise<Authorities> {
  const ca = await readPem(file)
  parse(file, 'PEM certificate', () => new X509Certificate(ca))
  if (revocationsFile === undefined) return { ca }
  const crl = await readPem(revocationsFile)
  parse(revocationsFile, 'PEM list of revoked certificates', () => createSecureContext({ crl }))
  return { ca, crl }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new TlsFilesUnusable(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** @throws TlsFilesUnusable */
function checkPair({ key, certificate }: Pair, keyFile: string, certificateFile: string): X509Certificate {
  const parsed = parse(certificateFile, 'PEM certificate', () => new X509Certificate(certificate))
  const privateKey = parse(keyFile, 'PEM private key without passphrase', () => createPrivateKey(key))
  if (!parsed.checkPrivateKey(privateKey)) throw new TlsFilesUnusable(`the key in ${keyFile} is not that of the certificate in ${certificateFile}`)
  return parsed
}

function parse<T>(file: string, what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new TlsFilesUnusable(`${file} holds no ${what}: ${(error as Error).message}`, { cause: error })
  }
}

/** @returns undefined when there is none that still serves */
async function readDevelopmentPair(folder: string, domain: string, log: Logger): Promise<Pair | undefined> {
  const [keyFile, certificateFile] = filesIn(folder)
  try {
    const pair = { key: await readPem(keyFile), certificate: await readPem(certificateFile) }
    const certificate = checkPair(pair, keyFile, certificateFile)
    const name = certificateName(domain)
    const isForDomain = (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined
    return isForDomain && Date.parse(certificate.validTo) > Date.now() + RENEW_BEFORE_MS ? pair : undefined
  } catch (error) {
    if (!(error instanceof TlsFilesUnusable)) throw error
    log.debug({ error: error.message }, 'there is no development certificate to go on with')
    return undefined
  }
}

async function createDevelopmentPair(folder: string, domain: string): Promise<Pair> {
  // Loaded only when needed: start-up with a certificate at hand does not pay for it.
  const { createSelfSignedCertificate } = await import('./self-signed-certificate.js')
  const pair = createSelfSignedCertificate(certificateName(domain))
  const [keyFile, certificateFile] = filesIn(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await replaceFile(keyFile, pair.key, 0o600)
  await replaceFile(certificateFile, pair.certificate, 0o644)
  return pair
}

/** An IDN as A-labels, an IPv6 address without its brackets. */
function certificateName(domain: string): string {
  return domain.startsWith('[') ? domain.slice(1, -1) : domainToASCII(domain) || domain
}

function filesIn(folder: string): [keyFile: string, certificateFile: string] {
  return [join(folder, 'development-key.pem'), join(folder, 'development-certificate.pem')]
}

/** Never leaves half a file behind. */
async function replaceFile(file: string, content: string, mode: number): Promise<void> {
  const part = `${file}.part`
  await writeFile(part, content, { mode })
  await chmod(part, mode) // where it was left over with another mode
  await rename(part, file)
}
