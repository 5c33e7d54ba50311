/** A scripted client that is logged in: says what the test tells it, and queues what it is told. */
import { type Element, element, type Jid, NS, parseElement } from '../index.js'
import type { Wanted } from './inbox.js'
import { assertStanza, type MatchOptions } from './stanza-difference.js'
import type { Closed, TestStream } from './test-stream.js'

export class TestClient {
  /** Full JID. */
  readonly jid: Jid
  readonly stream: TestStream

  constructor(stream: TestStream, jid: Jid) {
    this.stream = stream
    this.jid = jid
    stream.label = jid.toString()
  }

  /** Every element that came since the connection was made, in order. */
  get received(): readonly Element[] {
    return this.stream.received
  }

  /** Resolves when the connection is gone, with the stream error if the server sent one. */
  get closed(): Promise<Closed> {
    return this.stream.closed
  }

  send(stanza: string | Element): void {
    this.stream.send(stanza)
  }

  /**
   * Takes the first queued element that matches, or waits for one; others stay queued, in order.
   * @throws (rejects) after 5 s, or at once when the stream ended, with a list of what is queued
   */
  receive(wanted: Wanted, what?: string): Promise<Element> {
    return this.stream.receive(wanted, what)
  }

  /**
   * Takes the next stanza of this kind, or waits for it, and asserts that it is as `expected` says: attributes in any order, `*` for any
   * value or text, nothing besides unless `options.extras`.
   * @throws (rejects) AssertionError that shows the difference line by line; as {@link receive}
   */
  async expect(expected: string | Element, options: MatchOptions = {}): Promise<Element> {
    const wanted = typeof expected === 'string' ? parseElement(expected) : expected
    const stanza = await this.receive(wanted.getName())
    assertStanza(stanza, wanted, options)
    return stanza
  }

  /** Sends an iq, with an id if it has none. @returns the result or error */
  request(iq: string | Element): Promise<Element> {
    return this.stream.request(typeof iq === 'string' ? parseElement(iq) : iq)
  }

  /**
   * A barrier: a ping to the server and back. When it resolves, all this client sent before was handled, and what the
   * server wrote to this client meanwhile is queued. Any answer will do, so no ping plugin is needed.
   */
  async sync(): Promise<void> {
    await this.request(element('iq', { type: 'get', to: this.jid.domain }, element('ping', { xmlns: NS.ping })))
  }

  /** Asserts, after a {@link sync}, that nothing of the kind is queued. To see that what another client sent did not come, sync that one first. */
  async receiveNothing(wanted: Wanted = () => true): Promise<void> {
    await this.sync()
    const queued = this.stream.queued(wanted)
    if (queued.length > 0) throw new Error(`${this.jid}: nothing was to come, but:\n  ${queued.map(String).join('\n  ')}`)
  }

  /** Ends the stream and waits until the connection is gone. @param options.unavailable says goodbye to contacts first */
  async close(options: { readonly unavailable?: boolean } = {}): Promise<Closed> {
    if (options.unavailable) this.send(element('presence', { type: 'unavailable' }))
    return this.stream.close()
  }

  /** Cuts the connection: the server sees it end. */
  drop(): void {
    this.stream.drop()
  }

  /** The link dies and nobody notices, as with a phone that lost its network: nothing comes through any more, and it stays open. */
  silence(): void {
    this.stream.silence()
  }

  /** Reads nothing, as a client that hangs, until {@link resume}. */
  pause(): void {
    this.stream.pause()
  }

  /** Reads no faster than this, until {@link resume}. */
  readSlowly(bytesPerSecond: number): void {
    this.stream.readSlowly(bytesPerSecond)
  }

  resume(): void {
    this.stream.resume()
  }
}
