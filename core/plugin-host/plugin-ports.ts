/** The ports that plugins listen on. A port stays open while one version of a plugin takes it over from another. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger, PortListener } from '@beaconfire/plugin-sdk'
import { ContributionConflict } from './registries.js'

/** Connections that may wait for a version to take its port over. */
const MAX_WAITING = 100

/** An open port, and whose connections to it are. */
class OpenPort {
  owner: PortHolder | undefined
  /** Versions that need it, serving or about to. */
  readonly users = new Set<PortHolder>()
  readonly waiting = new Set<Socket>()

  constructor(
    readonly plugin: string,
    readonly key: string,
    readonly server: Server,
    readonly onBroken: (error: Error) => void,
  ) {
    server.on('connection', (socket) => this.#accept(socket))
  }

  get port(): number {
    const address = this.server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Those that wait, and wait no longer. */
  takeWaiting(): readonly Socket[] {
    const sockets = [...this.waiting]
    this.waiting.clear()
    return sockets
  }

  #accept(socket: Socket): void {
    // From the first moment: an error that nobody listens for ends the server.
    socket.on('error', this.onBroken)
    if (this.owner) this.owner.accept(this, socket)
    else if (this.waiting.size < MAX_WAITING) this.#keepWaiting(socket)
    else socket.destroy()
  }

  #keepWaiting(socket: Socket): void {
    this.waiting.add(socket)
    socket.once('close', () => this.waiting.delete(socket))
  }
}

export class PluginPorts {
  readonly #open = new Map<string, OpenPort>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * Opens what is not open yet. Connections wait until {@link PortHolder.take}.
   * @throws ContributionConflict when a port is another plugin's; Error when it is taken by another program
   */
  async prepare(plugin: string, listeners: readonly PortListener[]): Promise<PortHolder> {
    const holder = new PortHolder(plugin, this.#log, (port) => this.#close(port))
    try {
      for (const listener of listeners) holder.add(await this.#openFor(plugin, listener), listener)
      return holder
    } catch (error) {
      holder.release()
      throw error
    }
  }

  async #openFor(plugin: string, { name, host, port }: PortListener): Promise<OpenPort> {
    const key = port === 0 ? `${plugin}/${name}` : `${host ?? '*'}:${port}`
    const known = this.#open.get(key)
    if (known && known.plugin !== plugin) {
      throw new ContributionConflict(`port ${port} for "${name}" is plugin "${known.plugin}"'s already; configure another for one of the two`)
    }
    if (known) return known
    const server = createServer({ noDelay: true })
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => {
          server.off('error', reject)
          resolve()
        })
      })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EADDRINUSE') throw error
      throw new Error(`port ${port} for "${name}" is taken, by this server or another program; configure another`, { cause: error })
    }
    server.on('error', (error) => this.#log.error({ plugin, listener: name, error }, 'accepting connections of a plugin fails'))
    const onBroken = (error: Error) => this.#log.debug({ plugin, listener: name, error }, 'a connection of a plugin broke')
    const opened = new OpenPort(plugin, key, server, onBroken)
    this.#open.set(key, opened)
    return opened
  }

  #close(port: OpenPort): void {
    if (port.users.size > 0 || this.#open.get(port.key) !== port) return
    this.#open.delete(port.key)
    port.server.close()
    for (const socket of port.takeWaiting()) socket.destroy()
  }
}

/** The ports of one version of a plugin. */
export class PortHolder {
  readonly #plugin: string
  readonly #log: Logger
  readonly #onUnused: (port: OpenPort) => void
  readonly #ports = new Map<OpenPort, PortListener>()
  readonly #connections = new Set<Socket>()

  constructor(plugin: string, log: Logger, onUnused: (port: OpenPort) => void) {
    this.#plugin = plugin
    this.#log = log
    this.#onUnused = onUnused
  }

  add(port: OpenPort, listener: PortListener): void {
    if (this.#ports.has(port)) throw new ContributionConflict(`plugin "${this.#plugin}" listens twice on the port of "${listener.name}"`)
    port.users.add(this)
    this.#ports.set(port, listener)
  }

  /** Connections are this version's from now on. @throws what the plugin's `listening` throws */
  take(): void {
    for (const [port, listener] of this.#ports) {
      port.owner = this
      listener.listening?.(port.port)
      for (const socket of port.takeWaiting()) this.accept(port, socket)
    }
  }

  /** New connections are not this version's any more; those it accepted are. */
  letGo(): void {
    for (const port of this.#ports.keys()) if (port.owner === this) port.owner = undefined
  }

  /** For good: ports that no other version uses listen no more. Connections that were accepted go on. */
  leave(): void {
    for (const port of this.#ports.keys()) {
      port.users.delete(this)
      this.#onUnused(port)
    }
    this.#ports.clear()
  }

  /** Leaves, and cuts connections that must not outlive this version. */
  release(): void {
    this.leave()
    for (const socket of this.#connections) socket.destroy()
    this.#connections.clear()
  }

  accept(port: OpenPort, socket: Socket): void {
    const listener = this.#ports.get(port) as PortListener
    const fields = { plugin: this.#plugin, listener: listener.name }
    if (!listener.keepsConnections) {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    }
    try {
      listener.onConnection(socket)
    } catch (error) {
      this.#log.error({ ...fields, error }, 'a plugin could not take a connection')
      socket.destroy()
    }
  }
}
