/** The console page of a new plugin: its HTML, and the script that fills it in from the admin API. */
import type { PluginShape } from './plugin-shape.js'

/** Of the page and of its script. */
export const PAGE = 'overview'

export function pageAddress(name: string): string {
  return `/console/plugins/${name}/${PAGE}/`
}

/** Of the admin API: the plugin's own route where it has one, else what the server says of every plugin. */
export function fetchedBy({ adminRoute, name }: PluginShape): string {
  return `/api/v1/plugins/${name}${adminRoute ? '/status' : ''}`
}

/** @returns contents by path in the plugin's folder */
export function consoleFiles(shape: PluginShape): Map<string, string> {
  return new Map([
    ['console/index.html', page(shape)],
    [`console/${PAGE}.js`, script(shape)],
  ])
}

function page({ name }: PluginShape): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${name}</title>
    <link rel="stylesheet" href="/console/console.css">
    <!-- Scripts and styles are files: the console runs none that is written in here. -->
    <script type="module" src="${PAGE}.js"></script>
  </head>
  <body>
    <main>
      <h1>${name}</h1>
      <p role="status" id="status">One moment …</p>
      <p><a href="/console/">All pages</a></p>
    </main>
  </body>
</html>
`
}

function script(shape: PluginShape): string {
  const [fields, text] = shape.adminRoute
    ? shape.table
      ? ['label, messages', `\`\${label}: \${messages} messages\``]
      : ['label', 'label']
    : ['version, state', `\`Version \${version} is \${state}.\``]
  return `/** Fills in the page. \`api\` calls the admin API as who has logged in; to change something, say \`{ method: 'POST', json: { … } }\`. */
import { api } from '/console/console.js'

const status = document.getElementById('status')
try {
  const { ${fields} } = await api('${fetchedBy(shape)}')
  status.textContent = ${text}
} catch (error) {
  status.textContent = error.message
}
`
}
