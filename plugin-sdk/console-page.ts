/**
 * Pages that a plugin adds to the web console: static files, which the server shows to administrators who have logged in. What they show
 * they fetch from the admin API, with `api` of `/console/console.js`.
 */

export interface ConsolePage {
  /** Kebab-case and unique in its plugin: the page is at `/console/plugins/<plugin>/<name>/` of the admin listener. */
  readonly name: string
  /** What the list of pages calls it. */
  readonly title: string
  /**
   * Folder that holds `index.html` and what it loads, such as `new URL('./console', import.meta.url)`; a text is an absolute path. Every file
   * in it can be read by administrators, but those whose names begin with a dot and links that lead out of it. Scripts and styles are files
   * of the folder: the content security policy allows none within the HTML, and none from elsewhere.
   */
  readonly folder: URL | string
}
