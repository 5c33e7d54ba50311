/** Who may use the admin API: the one bearer token, configured or made at the first start. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILE = 'admin-token.sha256'

export class AdminToken {
  readonly #digest: Buffer
  /** The token in clear, when this start has just made it; it is stored nowhere. */
  readonly firstStartToken: string | undefined

  private constructor(digest: Buffer, firstStartToken?: string) {
    this.#digest = digest
    this.firstStartToken = firstStartToken
  }

  /**
   * The configured token, or the one whose hash is in the data folder, or a new one.
   * The file holds a plain SHA-256: the token is 256 random bits, so there is nothing a slow hash or a salt could protect.
   * @throws Error when the file holds no hash
   */
  static async load(configured: string | undefined, dataFolder: string): Promise<AdminToken> {
    if (configured !== undefined) return new AdminToken(sha256(configured))
    const file = join(dataFolder, FILE)
    return (await AdminToken.#stored(file)) ?? (await AdminToken.#create(file, dataFolder))
  }

  /** Takes the same time whatever `token` is, and the same for none. */
  accepts(token: string | undefined): boolean {
    const isRight = timingSafeEqual(sha256(token ?? ''), this.#digest)
    return isRight && token !== undefined
  }

  static async #stored(file: string): Promise<AdminToken | undefined> {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new Error(`${file} holds no SHA-256 in hex: delete it to have a new admin token made`)
    return new AdminToken(Buffer.from(text.trim(), 'hex'))
  }

  static async #create(file: string, dataFolder: string): Promise<AdminToken> {
    const token = randomBytes(32).toString('base64url')
    const digest = sha256(token)
    await mkdir(dataFolder, { recursive: true })
    await writeFile(file, `${digest.toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
    return new AdminToken(digest, token)
  }
}

/** RFC 6750 §2.1; undefined for anything else. */
export function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(header)?.[1]
}

/** Both sides are hashed, so that neither length nor content shows in the time of the comparison. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
