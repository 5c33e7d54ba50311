/**
 * What no server can leave out: it reads, cuts stanzas by bytes, finds who they are for and writes, and it makes the hashes of SASL.
 * Nothing is parsed, checked, limited or kept. No server in Node does more per CPU-second on this machine.
 */
import { createHash, createHmac, pbkdf2, pbkdf2Sync, randomUUID } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { attributeOf } from '../generator/client-connection.js'
import { StanzaFramer } from '../generator/stanza-framer.js'
import type { RelayOptions } from './relay.js'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const MECHANISMS = `<mechanisms xmlns='${SASL}'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>`
const BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const SALT = Buffer.from('all have the same')
const ITERATIONS = 4096
const HASH_BYTES = 20

/** The message that a fault happens to. */
const FAULTY = 100

const { domain, password: knownPassword, fault } = JSON.parse(process.argv[2] ?? '') as RelayOptions
const sessions = new Map<string, Connection>()
const registered = new Set<string>()
/** What is written while one read is handled, which goes out in one write for each connection. */
const dirty = new Set<Connection>()

let messages = 0
/** Keys of the one password that all have. */
let keys = knownPassword === undefined ? undefined : keysOf(knownPassword)

class Connection {
  readonly #socket: Socket
  readonly #framer = new StanzaFramer({ stanza: (text) => this.#stanza(text), streamEnd: () => this.#socket.end() })
  #isStreamDue = true
  #user = ''
  #isAuthenticated = false
  #signed = ''
  #jid = ''
  #gathered = ''

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {}) // its end follows
    socket.on('close', () => void sessions.delete(this.#jid))
  }

  send(text: string): void {
    dirty.add(this)
    this.#gathered += text
  }

  sendLate(text: string): void {
    this.send(text)
    flushAll()
  }

  flush(): void {
    this.#socket.write(this.#gathered, 'latin1')
    this.#gathered = ''
  }

  #read(chunk: Buffer): void {
    if (this.#isStreamDue) this.#openStream()
    this.#framer.write(chunk, chunk.length)
    flushAll()
  }

  #openStream(): void {
    this.#isStreamDue = false
    this.#framer.reset()
    const features = this.#isAuthenticated ? `<bind xmlns='${BIND}'/>` : MECHANISMS
    this.send(
      `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='${domain}' version='1.0'><stream:features>${features}</stream:features>`,
    )
  }

  #stanza(text: string): void {
    if (text.startsWith('<message')) this.#message(text)
    else if (text.startsWith('<iq')) this.#iq(text)
    else if (text.startsWith('<presence>')) this.#broadcast(text)
    else if (text.startsWith('<auth') && text.includes('PLAIN')) this.#plain(contentOf(text))
    else if (text.startsWith('<auth')) this.#challenge(contentOf(text))
    else if (text.startsWith('<response')) this.#finish(contentOf(text))
  }

  #message(text: string): void {
    const recipient = sessions.get(attributeOf(text, 'to') ?? '')
    const stanza = `<message from='${this.#jid}'${text.slice('<message'.length)}`
    if (fault === undefined || ++messages !== FAULTY) recipient?.send(stanza)
    else if (fault === 'double') recipient?.send(stanza + stanza)
    else if (fault === 'delay') setTimeout(() => recipient?.sendLate(stanza), 100)
  }

  #iq(text: string): void {
    const result = (content: string) => this.send(`<iq type='result' id='${attributeOf(text, 'id')}'>${content}</iq>`)
    if (text.includes('jabber:iq:register')) {
      registered.add(/<username>(.*)<\/username>/.exec(text)?.[1] ?? '')
      keys ??= keysOf(/<password>(.*)<\/password>/.exec(text)?.[1] ?? '')
      result('')
    } else if (text.includes('jabber:iq:roster')) {
      result([...registered].map((it) => `<item jid='${it}@${domain}' subscription='both'/>`).join(''))
    } else if (text.includes(BIND)) {
      this.#jid = `${this.#user}@${domain}/${/<resource>(.*)<\/resource>/.exec(text)?.[1]}`
      sessions.set(this.#jid, this)
      result(`<bind xmlns='${BIND}'><jid>${this.#jid}</jid></bind>`)
    } else result('')
  }

  /** Whoever is there is a contact. */
  #broadcast(text: string): void {
    const stanza = `<presence from='${this.#jid}'${text.slice('<presence'.length)}`
    for (const other of sessions.values()) if (other !== this) other.send(stanza)
  }

  #plain(message: string): void {
    const [, user = '', password = ''] = message.split('\0')
    pbkdf2(password, SALT, ITERATIONS, HASH_BYTES, 'sha1', (_error, salted) => {
      if (salted.equals(keys?.salted ?? Buffer.alloc(0))) this.#succeed(user, '')
      flushAll()
    })
  }

  #challenge(message: string): void {
    const first = message.slice('n,,'.length)
    const serverFirst = `${first.slice(first.indexOf('r='))}${randomUUID()},s=${SALT.toString('base64')},i=${ITERATIONS}`
    this.#user = first.slice('n='.length, first.indexOf(','))
    this.#signed = `${first},${serverFirst},`
    this.send(`<challenge xmlns='${SASL}'>${Buffer.from(serverFirst).toString('base64')}</challenge>`)
  }

  #finish(message: string): void {
    if (!keys) return
    const proofStart = message.lastIndexOf(',p=')
    const signed = this.#signed + message.slice(0, proofStart)
    const signature = hmac(keys.storedKey, signed)
    const clientKey = Buffer.from(message.slice(proofStart + 3), 'base64').map((byte, at) => byte ^ (signature[at] ?? 0))
    if (!createHash('sha1').update(clientKey).digest().equals(keys.storedKey)) return
    this.#succeed(this.#user, Buffer.from(`v=${hmac(keys.serverKey, signed).toString('base64')}`).toString('base64'))
  }

  #succeed(user: string, data: string): void {
    this.#user = user
    this.#isAuthenticated = true
    this.#isStreamDue = true
    this.send(`<success xmlns='${SASL}'>${data}</success>`)
  }
}

function flushAll(): void {
  for (const connection of dirty) connection.flush()
  dirty.clear()
}

function keysOf(password: string) {
  const salted = pbkdf2Sync(password, SALT, ITERATIONS, HASH_BYTES, 'sha1')
  const storedKey = createHash('sha1').update(hmac(salted, 'Client Key')).digest()
  return { salted, storedKey, serverKey: hmac(salted, 'Server Key') }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha1', key).update(text).digest()
}

/** The decoded content of a SASL element. */
function contentOf(text: string): string {
  return Buffer.from(text.slice(text.indexOf('>') + 1, text.lastIndexOf('</')), 'base64').toString('latin1')
}

const server = createServer({ noDelay: true }, (socket) => new Connection(socket))
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(`ready ${(server.address() as { port: number }).port}`))
