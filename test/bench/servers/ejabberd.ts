/**
 * ejabberd as its Debian package configures it, except: c2s alone, bound to loopback, no TLS unless asked for, an accept backlog of
 * 1024 (its 5 drops connections when many come at once), no shapers, offline messages not limited, registration open. Without
 * Erlang distribution, so without epmd.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchServer, StartedServer, StartOptions } from './bench-server.js'
import { certificateIn } from './certificate.js'
import { isInstalled, outputOf, packageVersion } from './installed-version.js'
import { accepts, freePort, ServerProcess } from './server-process.js'

const PLAIN_MODULES = [
  'adhoc',
  'admin_extra',
  'avatar',
  'blocking',
  'caps',
  'carboncopy',
  'client_state',
  'configure',
  'disco',
  'last',
  'muc_admin',
  'ping',
  'privacy',
  'private',
  'push',
  'push_keepalive',
  'shared_roster',
  'vcard_xupdate',
  'version',
]

export class Ejabberd implements BenchServer {
  readonly name = 'ejabberd'

  version(): string | undefined {
    return isInstalled('ejabberdctl') && isInstalled('erl') ? (packageVersion('ejabberd') ?? 'unknown') : undefined
  }

  dataVersion(): string {
    return this.version() ?? ''
  }

  async start(options: StartOptions): Promise<StartedServer> {
    const { folder, domain, variant, core } = options
    const spool = join(folder, 'spool')
    mkdirSync(spool, { recursive: true })
    const port = await freePort()
    const file = join(folder, 'ejabberd.yml')
    writeFileSync(file, JSON.stringify(configuration(options, port), undefined, 2)) // JSON is YAML
    const server = new ServerProcess({
      command: [
        'erl',
        '-noinput',
        '+K',
        'true',
        '+P',
        '250000',
        '-mnesia',
        'dir',
        `"${spool}"`,
        '-ejabberd',
        'log_rotate_count',
        '0',
        '-s',
        'ejabberd',
      ],
      folder,
      env: { ...process.env, ...environment(folder, file) },
      core,
    })
    await server.until(() => accepts(port))
    return { target: { address: '127.0.0.1', port, domain, tls: variant.tls ?? false }, pid: server.pid, stop: () => server.stop() }
  }
}

function environment(folder: string, file: string): NodeJS.ProcessEnv {
  return {
    ERL_LIBS: erlangLibraries(),
    ERL_MAX_PORTS: '32000',
    ERL_MAX_ETS_TABLES: '1400',
    ERL_CRASH_DUMP_BYTES: '0',
    EJABBERD_CONFIG_PATH: file,
    EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
    HOME: folder,
  }
}

/** Where the package keeps its code: its own control script knows. */
function erlangLibraries(): string {
  const script = outputOf('sh', ['-c', 'command -v ejabberdctl'], /^(.+)$/m)
  return (script && /^ERL_LIBS='(.*)'/m.exec(readFileSync(script, 'utf8'))?.[1]) || ''
}

function configuration({ folder, domain, variant }: StartOptions, port: number): object {
  const certificate = variant.tls ? certificateIn(folder, domain) : undefined
  const listener = { port, ip: '127.0.0.1', module: 'ejabberd_c2s', backlog: 1024, max_stanza_size: 262_144, shaper: 'none', access: 'c2s' }
  return {
    loglevel: 'info',
    log_rotate_count: 0,
    hosts: [domain],
    listen: [{ ...listener, ...(certificate ? { tls: true } : {}) }],
    ...(certificate ? { certfiles: [certificate.certificate, certificate.key] } : {}),
    disable_sasl_mechanisms: ['digest-md5', 'X-OAUTH2'],
    auth_password_format: 'scram',
    acl: { local: { user_regexp: '' }, loopback: { ip: ['127.0.0.0/8'] } },
    access_rules: {
      local: { allow: 'local' },
      c2s: { deny: 'blocked', allow: 'all' },
      announce: { deny: 'all' },
      muc_create: { allow: 'local' },
      pubsub_createnode: { allow: 'local' },
      trusted_network: { allow: 'loopback' },
      register: { allow: 'all' },
    },
    shaper_rules: { max_user_sessions: 10, max_user_offline_messages: 'infinity', c2s_shaper: 'none', s2s_shaper: 'none' },
    modules: modules(variant.archive),
    registration_timeout: 'infinity',
    ...(variant.archive === 'sql' ? { sql_type: 'sqlite', sql_database: join(folder, 'archive.db') } : {}),
  }
}

function modules(archive: 'sql' | 'own' | undefined): Record<string, object> {
  const plain = Object.fromEntries(PLAIN_MODULES.map((it) => [`mod_${it}`, {}]))
  const mam = { assume_mam_usage: true, default: 'always', db_type: archive === 'sql' ? 'sql' : 'mnesia' }
  return {
    ...plain,
    mod_announce: { access: 'announce' },
    mod_muc: { access: ['allow'], access_create: 'muc_create', access_persistent: 'muc_create', max_users: 2000 },
    mod_offline: { access_max_user_messages: 'max_user_offline_messages' },
    mod_pubsub: { access_createnode: 'pubsub_createnode', plugins: ['flat', 'pep'] },
    mod_register: { access: 'register', ip_access: 'trusted_network' },
    mod_roster: { versioning: true },
    mod_stream_mgmt: { resend_on_timeout: 'if_offline' },
    mod_vcard: { search: false },
    ...(archive ? { mod_mam: mam } : {}),
  }
}
