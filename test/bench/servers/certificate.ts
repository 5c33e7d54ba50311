/** One certificate for all servers of a run: the same key for each is the same work for each. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface CertificateFiles {
  readonly key: string
  readonly certificate: string
}

/** Makes it once per folder, by openssl. @throws when openssl is missing */
export function certificateIn(folder: string, domain: string): CertificateFiles {
  const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') }
  if (existsSync(files.certificate)) return files
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key]
  const subject = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain}`, '-days', '30', '-out', files.certificate]
  const { status, error, stderr } = spawnSync('openssl', ['req', '-x509', ...key, ...subject], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl is needed for TLS scenarios: ${error?.message ?? stderr}`)
  return files
}
