/** `durability: strict` is kept by a plugin, which may be switched off, or fail to load: then operators have to know. */
import type { Logger, ServiceName } from '@beaconfire/plugin-sdk'
import type { PluginControl } from './plugin-host/registries.js'

const JOURNAL: ServiceName = 'deliveryJournal'

interface Plugins extends Pick<PluginControl, 'list'> {
  onChange(listener: () => void): unknown
}

/** Warns now and whenever it begins to be so, until the plugins are stopped. */
export function warnWithoutJournal(plugins: Plugins, log: Logger): void {
  let isKept = true
  const look = () => {
    const wasKept = isKept
    isKept = plugins.list().some((it) => it.state === 'running' && it.provides.includes(JOURNAL))
    if (isKept === wasKept) return
    if (isKept) log.info({}, 'messages that clients were handed are journalled again, as durability strict has it')
    else
      log.warn(
        {},
        'durability is strict, but no plugin keeps a delivery journal: what clients were handed and have not acknowledged is lost if the process is killed. Load delivery-journal, whose error the list of plugins shows if it has failed, or set durability: fast',
      )
  }
  look()
  plugins.onChange(look)
}
