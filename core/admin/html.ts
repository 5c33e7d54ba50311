/** The few pages that the server itself writes: what is put into a template is escaped, unless it is of a template already. */

export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | readonly Html[]

/** For texts and quoted attribute values. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, i) => text + written(parts[i] ?? '')).join(''))
}

function written(part: Part): string {
  if (part instanceof Html) return part.text
  return typeof part === 'string' ? escaped(part) : part.map((it) => it.text).join('')
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (it) => ENTITIES[it] ?? it)
}
