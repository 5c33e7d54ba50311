/** Every key of the configuration with its default, unit and bounds. Plugins' own keys are under `plugins.settings`. */
import { type Static, Type } from 'typebox'

const text = (value: string, description: string) => Type.String({ default: value, minLength: 1, description })
const flag = (value: boolean, description: string) => Type.Boolean({ default: value, description })
const whole = (value: number, minimum: number, description: string) => Type.Integer({ default: value, minimum, description })
const closed = { default: {}, additionalProperties: false }

const databaseConnection = Type.Object(
  {
    host: text('127.0.0.1', 'not looked at when socketPath is given'),
    port: Type.Integer({ default: 3306, minimum: 1, maximum: 65_535 }),
    socketPath: Type.Optional(Type.String({ minLength: 1 })),
    user: text('beaconfire', 'account at the database'),
    password: Type.String({ default: '' }),
    database: text('beaconfire', 'name of the database, which must exist'),
  },
  closed,
)

const database = Type.Object(
  {
    client: Type.Enum(['sqlite', 'mysql'], { default: 'sqlite' }),
    filename: Type.Optional(Type.String({ minLength: 1, description: 'SQLite: a file or `:memory:`; default <dataFolder>/beaconfire.sqlite' })),
    connection: databaseConnection,
    poolSize: Type.Integer({ default: 8, minimum: 2, maximum: 1000, description: 'MySQL: connections at most' }),
  },
  closed,
)

const openfire = Type.Object(
  {
    useProperties: flag(true, "honour Openfire's system properties where this configuration says nothing"),
    passwordKeyDerivation: Type.Enum(['auto', 'sha1', 'pbkdf2'], {
      default: 'auto',
      description: '`encrypt.blowfish.kdf` of its security configuration; auto: the one that reads the passwords that are there',
    }),
    passwordSalt: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9+/]{8,}={0,2}$', description: '`encrypt.blowfish.salt` of its security configuration, in base64' }),
    ),
  },
  closed,
)

const c2s = Type.Object(
  {
    host: Type.Optional(
      Type.String({ minLength: 1, description: 'default: all addresses, by IPv6 and IPv4, or by IPv4 alone where the machine has no IPv6' }),
    ),
    port: Type.Integer({ default: 5222, minimum: 0, maximum: 65_535, description: '0: any free port' }),
    directTlsPort: Type.Integer({ default: 5223, minimum: -1, maximum: 65_535, description: '0: no listener; -1: any free port' }),
    tls: Type.Enum(['required', 'optional', 'disabled'], { default: 'required' }),
    plainWithoutTls: flag(false, 'offer SASL PLAIN on connections without TLS'),
    tlsKey: Type.Optional(Type.String({ minLength: 1, description: 'PEM file; without it a development certificate is made' })),
    tlsCertificate: Type.Optional(Type.String({ minLength: 1, description: 'PEM file with the chain' })),
    tlsClientCa: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'PEM file of authorities that vouch for clients, which then may log in by certificate (SASL EXTERNAL)',
      }),
    ),
    tlsClientRevocations: Type.Optional(
      Type.String({ minLength: 1, description: 'PEM file of certificates those authorities have revoked (CRL), one list for each; read at start' }),
    ),
    clientCertificateEmail: flag(false, 'an e-mail address at the domain stands for the account, in client certificates without an XMPP address'),
    channelBinding: flag(true, 'offer SCRAM with channel binding inside TLS; false for clients that bind to nothing the server knows'),
    anonymous: flag(false, 'offer SASL ANONYMOUS: a name of nobody’s for as long as the session lasts, which stores nothing'),
    readablePasswords: flag(
      false,
      'keep passwords set from now on readable in the database, of up to 32 characters: digests of jabber:iq:auth need them',
    ),
    acceptAnyHost: flag(false, 'serve streams opened to any name, as for devices that know an address alone'),
    seeOtherHost: Type.Optional(
      Type.String({ minLength: 1, description: 'host, or host:port, that new streams are sent to instead of being served' }),
    ),
    saslMechanisms: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'offer these alone, of those that are possible; by their registered names',
      }),
    ),
    resourceConflict: Type.Enum(['kick-old', 'reject-new', 'rename'], { default: 'kick-old' }),
  },
  closed,
)

const limits = Type.Object(
  {
    enabled: flag(true, 'false switches the limits by rate off (stanzas and bytes per second, logins and their attempts), for load tests'),
    stanzaBytes: whole(262_144, 10_000, 'largest stanza; not below 10,000 (RFC 6120 §13.12)'),
    depth: whole(64, 8, 'nesting of elements in a stanza'),
    attributes: whole(64, 8, 'attributes of one element'),
    preAuthenticationSeconds: whole(30, 1, 'time from connecting to being logged in'),
    preAuthenticationBytes: whole(65_536, 10_000, 'what a peer may send before it is logged in'),
    outboundBytes: whole(4_194_304, 65_536, 'a session that leaves more than this unread is closed'),
    stanzasPerSecond: whole(200, 1, 'of one session, over some seconds'),
    bytesPerSecond: whole(524_288, 1024, 'of one session, over some seconds'),
    floodSeconds: whole(60, 0, 'a session that sends faster than it may for so long without a pause is closed; 0: it is only read more slowly'),
    unauthenticatedConnections: whole(10_000, 1, 'connections that have not logged in; further ones are refused'),
    unauthenticatedPerAddress: whole(1000, 1, 'the same from one address'),
    loginAttemptsPerMinute: whole(30, 1, 'failed logins of one address'),
    idleSeconds: whole(1800, 0, 'silence after which a session is probed and, when it stays silent, closed; 0: never'),
  },
  closed,
)

const streamManagement = Type.Object(
  {
    resumeSeconds: whole(300, 0, 'how long a session without a connection can be resumed (XEP-0198); 0: none can'),
    location: Type.Optional(Type.String({ minLength: 1, description: 'where clients should connect to resume: host or [IPv6], with :port' })),
    unacknowledgedStanzas: whole(5000, 100, 'what a client may leave unacknowledged before those who send to it have to wait'),
    unacknowledgedBytes: whole(8_388_608, 262_144, 'the same in characters'),
    acknowledgementSeconds: whole(60, 0, 'a client that answers nothing for so long has lost its connection; 0: it may'),
  },
  closed,
)

const plugins = Type.Object(
  {
    folders: Type.Array(Type.String({ minLength: 1 }), {
      default: ['./plugins'],
      description: 'relative to the working directory; the folder shipped with the server always comes first',
    }),
    disabled: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
    watch: flag(true, 'load, reload and unload when a folder changes'),
    trustedKeys: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'Ed25519 public keys, base64 or PEM: packages uploaded by the admin API must then be signed by one of them',
    }),
    settings: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
      default: {},
      description: "by plugin name; checked against each plugin's own schema",
    }),
  },
  closed,
)

export const serverConfigSchema = Type.Object(
  {
    domain: text('localhost', 'the XMPP domain this server answers for'),
    dataFolder: text('./data', 'database, certificate and the like; made when absent'),
    durability: Type.Enum(['strict', 'fast'], { default: 'strict', description: 'strict: nothing acknowledged is lost, power failure included' }),
    database,
    openfire,
    c2s,
    route: Type.Object({ allResources: flag(true, 'a message to a bare JID goes to all resources; false: to the highest priority') }, closed),
    limits,
    streamManagement,
    admin: Type.Object(
      {
        host: text('127.0.0.1', 'address of the admin listener'),
        port: Type.Integer({ default: 9090, minimum: 0, maximum: 65_535, description: '0: any free port' }),
        token: Type.Optional(Type.String({ minLength: 1, description: 'default: one is made at first start and printed once' })),
      },
      closed,
    ),
    admins: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'JIDs of accounts that may administer by XMPP (XEP-0133); make the accounts before, since whoever has the name has the rights',
    }),
    plugins,
    log: Type.Object(
      {
        level: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], { default: 'info' }),
        format: Type.Enum(['auto', 'pretty', 'json'], { default: 'auto', description: 'auto: pretty on a terminal, else json' }),
      },
      closed,
    ),
  },
  { additionalProperties: false },
)

export type ServerConfig = Static<typeof serverConfigSchema>
export type DatabaseConfig = ServerConfig['database']
