/** What one plugin offers another, in the hands of a test. */
import { type AnyPlugin, definePlugin, type ServiceName, type Services } from '../index.js'

export interface ServiceUser<Name extends ServiceName> {
  /** Give it to `startTestServer` among the plugins. */
  readonly plugin: AnyPlugin
  /** As they are now: after a reload of who provides them, those of the new version. @throws Error before the server runs */
  readonly services: Pick<Services, Name>
}

/** A plugin that does nothing but require these services, so that the test can use them as a plugin would. */
export function serviceUser<const Name extends ServiceName>(...names: readonly Name[]): ServiceUser<Name> {
  let given: Pick<Services, Name> | undefined
  const plugin = definePlugin({
    name: `user-of-${names.join('-')}`,
    version: '1.0.0',
    requires: names,
    setup({ services }) {
      given = services
      return {}
    },
  })
  return {
    plugin,
    get services() {
      if (!given) throw new Error(`${plugin.name} was not started`)
      return given
    },
  }
}
