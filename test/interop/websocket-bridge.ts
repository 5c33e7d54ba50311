/**
 * A bridge from WebSocket (RFC 7395) to the server's direct TLS port, for clients that know no TCP. What either side says is
 * passed on as it is; only the framing of a stream's start and end differs.
 */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { type Element, NS } from '@beaconfire/plugin-sdk'
import type { TestScope } from '@beaconfire/plugin-sdk/testing'
import { type WebSocket, WebSocketServer } from 'ws'
import { ElementReader } from '../../plugin-sdk/testing/element-reader.js'

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

export interface BridgeTarget {
  readonly port: number
  readonly domain: string
  /** PEM file of the certificate the server must show. */
  readonly certificate: string
}

/** @returns the address for clients */
export async function startWebSocketBridge(t: TestScope, target: BridgeTarget): Promise<string> {
  const bridge = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: (offered) => (offered.has('xmpp') ? 'xmpp' : false) })
  await new Promise((resolve) => bridge.once('listening', resolve))
  bridge.on('connection', (socket) => relay(socket, target))
  t.after(async () => {
    for (const client of bridge.clients) client.terminate()
    await new Promise((resolve) => bridge.close(resolve))
  })
  return `ws://127.0.0.1:${(bridge.address() as AddressInfo).port}/xmpp-websocket`
}

function relay(socket: WebSocket, { port, domain, certificate }: BridgeTarget): void {
  const server = connect({ host: '127.0.0.1', port, servername: domain, ca: readFileSync(certificate) })
  let reader = readerFor(socket)
  server.on('data', (chunk) => reader.write(chunk))
  server.on('error', (error) => socket.close(1011, error.message.slice(0, 100)))
  server.on('close', () => socket.close())
  socket.on('close', () => server.destroy())
  // What is written before the handshake is over waits in the socket.
  socket.on('message', (data: Buffer) => {
    const frame = data.toString()
    if (frame.startsWith('<open')) {
      reader = readerFor(socket)
      server.write(`<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}' to='${domain}' version='1.0'>`)
    } else server.write(frame.startsWith('<close') ? '</stream:stream>' : frame)
  })
}

function readerFor(socket: WebSocket): ElementReader {
  return new ElementReader({
    header: ({ id, from }) => socket.send(`<open xmlns='${FRAMING}' version='1.0' id='${id}' from='${from}'/>`),
    element: (el) => socket.send(withNamespace(el).toString()),
    end: () => socket.send(`<close xmlns='${FRAMING}'/>`),
  })
}

/** A frame stands by itself (RFC 7395 §3.3.3): there is no stream around it to give a namespace. */
function withNamespace(el: Element): Element {
  if (!el.name.includes(':')) el.attrs.xmlns ??= NS.client
  return el
}
