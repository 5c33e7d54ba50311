/** Prosody as its Debian package configures it, except: bound to loopback, no TLS unless asked for, no s2s, registration open, no limits. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchServer, StartedServer, StartOptions } from './bench-server.js'
import { certificateIn } from './certificate.js'
import { isInstalled, packageVersion } from './installed-version.js'
import { accepts, freePort, ServerProcess } from './server-process.js'

const MODULES = [
  'disco',
  'roster',
  'saslauth',
  'tls',
  'blocklist',
  'bookmarks',
  'carbons',
  'pep',
  'private',
  'smacks',
  'vcard4',
  'vcard_legacy',
  'csi_simple',
  'invites',
  'invites_adhoc',
  'invites_register',
  'ping',
  'register',
  'time',
  'uptime',
  'version',
  'admin_adhoc',
  'posix',
]

export class Prosody implements BenchServer {
  readonly name = 'prosody'

  version(): string | undefined {
    return isInstalled('prosody') ? (packageVersion('prosody') ?? 'unknown') : undefined
  }

  dataVersion(): string {
    return this.version() ?? ''
  }

  async start(options: StartOptions): Promise<StartedServer> {
    const { folder, domain, variant, core } = options
    mkdirSync(join(folder, 'data'), { recursive: true })
    const port = await freePort()
    const file = join(folder, 'prosody.cfg.lua')
    writeFileSync(file, configuration(options, port))
    const server = new ServerProcess({ command: ['prosody', '-F', '--config', file], folder, core })
    await server.until(() => accepts(port))
    return { target: { address: '127.0.0.1', port, domain, tls: variant.tls ?? false }, pid: server.pid, stop: () => server.stop() }
  }
}

function configuration({ folder, domain, variant }: StartOptions, port: number): string {
  const modules = variant.archive ? [...MODULES, 'mam'] : MODULES
  const certificate = variant.tls ? certificateIn(folder, domain) : undefined
  const ports = certificate
    ? `c2s_ports = { }
c2s_direct_tls_ports = { ${port} }
ssl = { key = "${certificate.key}", certificate = "${certificate.certificate}" }`
    : `c2s_ports = { ${port} }`
  return `run_as_root = ${process.getuid?.() === 0}
admins = { }
network_backend = "epoll"
data_path = "${folder}/data"
pidfile = "${folder}/prosody.pid"
modules_enabled = { ${modules.map((it) => `"${it}"`).join('; ')} }
modules_disabled = { "s2s" }
interfaces = { "127.0.0.1" }
c2s_interfaces = { "127.0.0.1" }
${ports}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
allow_registration = true
registration_invite_only = false
authentication = "internal_hashed"
default_storage = "internal"
storage = { archive = "${variant.archive === 'sql' ? 'sql' : 'internal'}" }
sql = { driver = "SQLite3", database = "prosody.sqlite" }
archive_expires_after = "1w"
log = { info = "${folder}/prosody.log" }
VirtualHost "${domain}"
Component "conference.${domain}" "muc"
`
}
