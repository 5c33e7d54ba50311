/** What the console shows of its own: the login, the list of pages, and that something is not there. They need no script. */
import type { MountedPage } from './console-pages.js'
import type { ConsoleSession } from './console-sessions.js'
import { type Html, html } from './html.js'

/** @param next address to go to afterwards @param refusal what was wrong with the last try */
export function loginView(next: string, refusal?: string): Html {
  const alert = refusal === undefined ? '' : html`<p role="alert" id="refusal">${refusal}</p>`
  const [invalid, described] = refusal === undefined ? ['false', 'hint'] : ['true', 'refusal hint']
  return layout(
    'Log in',
    html`${alert}
      <form method="post" action="/console/login">
        <input type="hidden" name="next" value="${next}">
        <label for="token">Admin token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required autofocus
          aria-invalid="${invalid}" aria-describedby="${described}">
        <p id="hint">The server printed it at its first start, unless <code>admin.token</code> is configured.</p>
        <button>Log in</button>
      </form>`,
  )
}

/** @param pages those of one plugin beside each other */
export function indexView(pages: readonly MountedPage[], session: ConsoleSession | undefined): Html {
  const plugins = [...new Set(pages.map((it) => it.plugin))]
  const navigation = html`<nav aria-label="Pages of plugins">${plugins.map((plugin) => pluginView(plugin, pages))}</nav>`
  return layout(
    'Console',
    html`${pages.length === 0 ? html`<p>No plugin has a page here.</p>` : navigation}
      <p><a href="/api/docs/">Documentation of the admin API</a></p>
      ${session ? logoutView(session) : ''}`,
  )
}

function pluginView(plugin: string, pages: readonly MountedPage[]): Html {
  const own = pages.filter((it) => it.plugin === plugin)
  return html`<section aria-labelledby="plugin-${plugin}">
    <h2 id="plugin-${plugin}">${plugin}</h2>
    <ul>${own.map((it) => html`<li><a href="${it.path}">${it.title}</a></li>`)}</ul>
  </section>`
}

function logoutView({ csrfToken }: ConsoleSession): Html {
  return html`<form method="post" action="/console/logout">
    <input type="hidden" name="csrfToken" value="${csrfToken}">
    <button>Log out</button>
  </form>`
}

export function messageView(title: string, message: string): Html {
  return layout(title, html`<p>${message}</p><p><a href="/console/">To the list of pages</a></p>`)
}

function layout(title: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} – Beaconfire</title>
    <link rel="stylesheet" href="/console/console.css">
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>
`
}
