/** A plugin of nothing but interceptors, written into a folder as a user would drop it there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InterceptorLoad } from './bench-server.js'

const NAME = 'bench-interceptors'

/** @returns the folder for `plugins.folders` */
export function writeInterceptorPlugin(folder: string, { count, style, matching }: InterceptorLoad): string {
  const plugins = join(folder, 'plugins')
  const plugin = join(plugins, NAME)
  mkdirSync(plugin, { recursive: true })
  writeFileSync(join(plugin, 'package.json'), JSON.stringify({ name: `@beaconfire/plugin-${NAME}`, version: '1.0.0', type: 'module' }))
  writeFileSync(join(plugin, 'index.ts'), source(count, style, matching))
  return plugins
}

/** Each looks at the stanza's type and counts: the least that an interceptor with a purpose does. */
function source(count: number, style: InterceptorLoad['style'], matching: boolean): string {
  return `import { definePlugin } from '@beaconfire/plugin-sdk'

let seen = 0
const interceptors = Array.from({ length: ${count} }, (_, at) => ({
  name: 'observer-' + at,
  band: 'observe' as const,
  when: { stanza: 'message' as const, type: '${matching ? 'chat' : 'headline'}' },
  ${style === 'async' ? 'async ' : ''}interceptPacket({ packet }) {
    if (packet.type === 'chat') seen++
  },
}))

export default definePlugin({ name: '${NAME}', version: '1.0.0', setup: () => ({ interceptors }) })
`
}
