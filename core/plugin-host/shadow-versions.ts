/** A version of a plugin that looks on, with versions of its own of those that provide what it requires: nothing it calls acts. */
import type { AnyPlugin, MaybePromise, ServiceName, Services } from '@beaconfire/plugin-sdk'
import { PluginVersion, type VersionParts } from './plugin-version.js'
import { ShadowDenied } from './shadow-context.js'

export interface ShadowSurroundings {
  /** As `shadowParts` makes them. */
  readonly parts: VersionParts
  /** @throws Error when there is none, which says why */
  providerOf(service: ServiceName): MaybePromise<AnyPlugin>
  /** Called before a version is set up. */
  before?(definition: AnyPlugin): Promise<unknown>
}

export class ShadowVersions {
  readonly #surroundings: ShadowSurroundings
  readonly #started: PluginVersion[] = []
  /** What whoever reads of the shadow should know. */
  readonly notes: string[] = []

  constructor(surroundings: ShadowSurroundings) {
    this.#surroundings = surroundings
  }

  /**
   * Starts a version. Where its start wants to act, the rest of it is left out, and noted: its interceptors are there, what it prepares
   * for itself may not be.
   * @throws Error that names the step that failed
   */
  async start(definition: AnyPlugin, dependents: readonly string[] = []): Promise<PluginVersion> {
    const path = [...dependents, definition.name]
    if (dependents.includes(definition.name)) throw new Error(`plugins require each other in a circle: ${path.join(', ')}`)
    const services: Partial<Record<ServiceName, unknown>> = {}
    for (const service of definition.requires ?? []) services[service] = await this.#service(service, path)
    await this.#surroundings.before?.(definition)
    const version = await PluginVersion.prepare(definition, this.#surroundings.parts, services as Partial<Services>)
    this.#started.push(version)
    try {
      await version.start()
    } catch (error) {
      const denied = deniedBehind(error)
      if (!denied) throw error
      this.notes.push(`plugin "${definition.name}" wanted to act when it was started (${denied.message}): the rest of its start was left out`)
    }
    return version
  }

  /** Dependents first. Never rejects. */
  async stop(): Promise<void> {
    for (const version of this.#started.splice(0).reverse()) await version.stop()
  }

  async #service(service: ServiceName, dependents: readonly string[]): Promise<unknown> {
    const known = this.#started.find((it) => it.service(service) !== undefined)
    if (known) return known.service(service)
    const provider = await this.#surroundings.providerOf(service)
    return (await this.start(provider, dependents)).service(service)
  }
}

function deniedBehind(error: unknown): ShadowDenied | undefined {
  for (let it = error; it instanceof Error; it = it.cause) if (it instanceof ShadowDenied) return it
  return undefined
}
