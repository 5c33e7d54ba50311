/** Ports that a plugin listens on. The server opens and closes them, so that a port is handed from one version of the plugin to the next. */
import type { Socket } from 'node:net'

export interface PortListener {
  /** For operators, such as `socks5`; unique in its plugin. */
  readonly name: string
  /** Address of this machine; all of them unless given. */
  readonly host?: string
  /** 0: any free port. It stays the same while the plugin is reloaded. */
  readonly port: number
  /** The port is open, and connections to it are this version's from now on. */
  listening?(port: number): void
  /**
   * A connection. An error on it that nobody listens for is logged; what this throws is logged, and the connection closed.
   * Connections that are open still when this version has stopped are cut, unless it {@link keepsConnections}.
   */
  onConnection(socket: Socket): void
  /** True: when the plugin is reloaded or unloaded its connections live on until they end, and the version that accepted them with them. */
  readonly keepsConnections?: boolean
}
