/** A browser in front of a server's console. */
import type { TestContext } from 'node:test'
import type { TestServer } from '@beaconfire/plugin-sdk/testing'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { programOrSkip } from '../../plugin-sdk/testing/programs.js'

export interface OpenedBrowser {
  readonly server: TestServer
  readonly context: BrowserContext
  readonly page: Page
  /** On the login page that is shown. */
  login(): Promise<void>
}

/** Nobody is logged in with it yet. @returns undefined where there is no browser, and the test was skipped */
export async function openBrowser(t: TestContext, start: () => Promise<TestServer>): Promise<OpenedBrowser | undefined> {
  const executablePath = programOrSkip(t, { name: 'chromium', debianPackage: 'chromium' })
  if (executablePath === undefined) return undefined
  const server = await start()
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  t.after(() => browser.close())
  const context = await browser.newContext({ baseURL: server.url })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const login = async () => {
    await page.getByLabel('Admin token').fill(server.adminToken)
    await page.getByRole('button', { name: 'Log in' }).click()
  }
  return { server, context, page, login }
}
