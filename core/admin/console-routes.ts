/** Admin routes of the console itself: what a console that frames the pages of plugins needs to know. */
import { type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { ConsolePages } from './console-pages.js'

const Page = Type.Object({
  plugin: Type.String(),
  name: Type.String(),
  title: Type.String(),
  path: Type.String({ description: 'of the page on this listener' }),
})

export function consoleRoutes(pages: ConsolePages): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/console/pages',
      summary: 'Pages that plugins have in the web console',
      response: Type.Object({ pages: Type.Array(Page) }),
      handle: () => ({ pages: pages.list().map(({ plugin, name, title, path }) => ({ plugin, name, title, path })) }),
    }),
  ]
}
