/** README.md of a new plugin: what an operator is told about it. */
import { pageAddress } from './console-files.js'
import { type Place, testCommand } from './place.js'
import { namespaceFor, type PluginShape, snakeCase } from './plugin-shape.js'

export function readme(shape: PluginShape, place: Place): string {
  const { name } = shape
  const sections = [
    `# ${name}\nSay here what it is for, and what an operator should know.`,
    shape.interceptor &&
      `Each message that a session sends is counted (\`beaconfire_${snakeCase(name)}_messages_total\` at \`/metrics\`) and logged without its text.`,
    shape.iqHandler &&
      `\`<iq type='get'><query xmlns='${namespaceFor(name)}'/></iq>\` to the server is answered with a \`<query/>\` of the same namespace.`,
    shape.config &&
      `## Configuration: \`plugins.settings.${name}\`\n| Key | Default | Meaning |\n|---|---|---|\n| \`label\` | \`${name}\` | stands in answers and log lines |`,
    shape.table &&
      `## Table \`${snakeCase(name)}_messages\`\n| Column | |\n|---|---|\n| \`sentAt\` | epoch milliseconds |\n| \`sender\` | bare JID |\n| \`body\` | the message's text |`,
    shape.adminRoute && `## Admin API\n\`GET /api/v1/plugins/${name}/status\` tells how the plugin is doing.`,
    shape.consolePage && `## Console\n\`${pageAddress(name)}\` of the admin listener shows how the plugin is doing.`,
    `## Test\n\`\`\`sh\n${testCommand(name, place)}\n\`\`\``,
  ]
  return `${sections.filter((it) => it !== false).join('\n\n')}\n`
}
