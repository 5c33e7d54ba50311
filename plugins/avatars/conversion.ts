/** Carries an account's avatar from its nodes to its vCard and back (XEP-0398 §3). */
import {
  childElements,
  type Jid,
  type Logger,
  NS,
  type PepChange,
  type PepService,
  StanzaError,
  type VcardChange,
  type VcardService,
} from '@beaconfire/plugin-sdk'
import { avatarImage, dataElement, describedImage, metadataElement, photoOf, withPhoto } from './avatar-image.js'

export interface ConversionCollaborators {
  readonly pep: PepService
  readonly vcards: VcardService
  readonly log: Logger
  /** True: an avatar that not everybody may see is not put into the vCard, which everybody may. */
  readonly openOnly: boolean
}

export class AvatarConversion {
  readonly #server: ConversionCollaborators

  constructor(server: ConversionCollaborators) {
    this.#server = server
  }

  /** An avatar was published: the vCard shows it from now on. */
  async published({ owner, node, published }: PepChange): Promise<void> {
    const newest = published.at(-1)
    if (node !== NS.avatarMetadata || newest === undefined) return
    const { pep, vcards, openOnly } = this.#server
    const metadata = (await pep.items(owner, NS.avatarMetadata, [newest]))[0]?.payload
    if (!metadata) return
    const described = describedImage(metadata)
    const vcard = await vcards.find(owner)
    const shown = vcard && photoOf(vcard)
    if (!described) {
      // An avatar that is only somewhere else says nothing of the vCard; an empty one says that there is none.
      if (shown && childElements(metadata).length === 0) await this.#attempt(owner, () => vcards.save(owner, withPhoto(vcard, undefined)))
      return
    }
    if (shown?.id === described.id || (openOnly && (await pep.accessModel(owner, NS.avatarData)) !== 'open')) return
    const data = (await pep.items(owner, NS.avatarData, [described.id]))[0]?.payload
    const image = data && avatarImage(data.getText(), described.type)
    if (image?.id === described.id) await this.#attempt(owner, () => vcards.save(owner, withPhoto(vcard, image)))
  }

  /** A vCard was stored: its photo is published, if it is another than before. */
  async stored({ user, vcard, before }: VcardChange): Promise<void> {
    const { pep } = this.#server
    const image = photoOf(vcard)
    const current = (await pep.items(user, NS.avatarMetadata)).at(-1)?.payload
    const described = current && describedImage(current)
    if (image?.id === described?.id) return
    if (!image) {
      // Only the photo that was in the vCard goes with it.
      if (described && before && photoOf(before)?.id === described.id) await this.#attempt(user, () => this.#publish(user, undefined))
      return
    }
    await this.#attempt(user, async () => {
      await pep.publish(user, NS.avatarData, { id: image.id, payload: dataElement(image) }, { access_model: 'open' })
      await this.#publish(user, image)
    })
  }

  #publish(user: Jid, image: Parameters<typeof metadataElement>[0]): Promise<void> {
    return this.#server.pep.publish(user, NS.avatarMetadata, { id: image?.id ?? '', payload: metadataElement(image) }, { access_model: 'open' })
  }

  /** What the limits of the other side refuse is left undone: the user's own request has succeeded. */
  async #attempt(user: Jid, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      this.#server.log.info({ username: user.local, condition: error.condition }, 'an avatar could not be converted')
    }
  }
}
