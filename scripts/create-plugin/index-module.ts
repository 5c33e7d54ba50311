/** `index.ts` of a new plugin: the definition, with one contribution of each kind that was asked for. */
import { PAGE, pageAddress } from './console-files.js'
import { namespaceFor, type PluginShape, pascalCase } from './plugin-shape.js'

export function indexModule(shape: PluginShape): string {
  const { name } = shape
  const lines = [
    `/** ${name}: say here in one sentence what it is for. */`,
    `import { ${sdkNames(shape).join(', ')} } from '@beaconfire/plugin-sdk'`,
    ...(shape.table ? [`import { ${pascalCase(name)}Store, tables } from './${name}-store.js'`] : []),
    '',
    'export default definePlugin({',
    `  name: '${name}',`,
    `  version: '0.1.0',`,
    ...(shape.config ? configLines(shape) : []),
    ...(shape.table ? ['  tables,'] : []),
    '',
    `  setup(${contextOf(shape)}) {`,
    ...(shape.table ? [`    const store = new ${pascalCase(name)}Store(database)`] : []),
    ...(shape.interceptor ? [`    const seen = metrics.counter('messages_total', 'Messages that the interceptor was called for')`] : []),
    ...(shape.table || shape.interceptor ? [''] : []),
    '    return {',
    ...(shape.interceptor ? interceptorLines(shape) : []),
    ...(shape.iqHandler ? iqHandlerLines(shape) : []),
    ...(shape.adminRoute ? adminRouteLines(shape) : []),
    ...(shape.consolePage ? consolePageLines(shape) : []),
    '    }',
    '  },',
    '})',
  ]
  return `${lines.join('\n')}\n`
}

function sdkNames({ adminRoute, config, iqHandler }: PluginShape): string[] {
  return [adminRoute && 'adminRoute', 'definePlugin', iqHandler && 'element', (adminRoute || config) && 'Type'].filter((it) => it !== false)
}

function contextOf({ config, interceptor, table }: PluginShape): string {
  const used = [config && 'config', table && 'database', interceptor && 'log', interceptor && 'metrics'].filter((it) => it !== false)
  return used.length === 0 ? '' : `{ ${used.join(', ')} }`
}

/** What stands in answers and log lines: configured, or the plugin's name. */
function label({ config, name }: PluginShape): string {
  return config ? 'config.label' : `'${name}'`
}

function configLines({ name }: PluginShape): string[] {
  return [
    `  // What an operator writes under plugins.settings.${name}. Every key has a default.`,
    '  config: Type.Object({',
    `    label: Type.String({ default: '${name}', minLength: 1, description: 'Stands in answers and log lines' }),`,
    '  }),',
  ]
}

function interceptorLines(shape: PluginShape): string[] {
  const fields = ['jid: session.jid.toString()', 'stanzaId: packet.id', ...(shape.config ? ['label: config.label'] : [])]
  return [
    '      interceptors: [',
    '        {',
    `          name: 'watch',`,
    `          band: 'observe', // 'guard' to reject, 'transform' to rewrite`,
    '          // As a message is read from its sender, before it is routed. What does not match costs nothing.',
    `          when: { stanza: 'message', incoming: true, processed: false },`,
    `          interceptPacket({ packet, session${shape.table ? ', hold' : ''} }) {`,
    '            seen.increment()',
    `            log.info({ ${fields.join(', ')} }, 'a message passes')`,
    ...(shape.table
      ? [
          `            const body = packet.kind === 'message' ? packet.body : undefined`,
          '            // The message travels on at once; its sender gets the acknowledgement when the row is on disk.',
          '            if (body !== undefined) hold(store.add(session.jid.bare().toString(), body))',
        ]
      : []),
    '          },',
    '        },',
    '      ],',
  ]
}

function iqHandlerLines(shape: PluginShape): string[] {
  const namespace = namespaceFor(shape.name)
  return [
    '      iqHandlers: [',
    '        {',
    `          namespace: '${namespace}',`,
    `          type: 'get',`,
    '          // What is returned is the payload of the result; a StanzaError that is thrown is the error.',
    `          handle: () => element('query', { xmlns: '${namespace}' }, ${label(shape)}),`,
    '        },',
    '      ],',
  ]
}

function adminRouteLines(shape: PluginShape): string[] {
  const response = `{ label: Type.String()${shape.table ? ', messages: Type.Integer()' : ''} }`
  const answer = shape.table ? `async () => ({ label: ${label(shape)}, messages: await store.count() })` : `() => ({ label: ${label(shape)} })`
  return [
    '      adminRoutes: [',
    '        adminRoute({',
    `          method: 'GET',`,
    `          path: '/status', // below /api/v1/plugins/${shape.name}`,
    `          summary: 'How the plugin is doing',`,
    `          response: Type.Object(${response}),`,
    `          handle: ${answer},`,
    '        }),',
    '      ],',
  ]
}

function consolePageLines({ name }: PluginShape): string[] {
  return [
    '      consolePages: [',
    `        // At ${pageAddress(name)} of the admin listener.`,
    `        { name: '${PAGE}', title: '${name}', folder: new URL('./console', import.meta.url) },`,
    '      ],',
  ]
}
