/** Chenwu, Wangjun and Liusong on npm's @xmpp/client: registering, contacts, messages, and what a restart of the server leaves. */
import { type Entity, xml } from '@xmpp/client'
import type { Element } from 'ltx'
import { Actor, fact } from './xmpp-client-actor.js'

const TEXT = '明天上午九点开会 👩‍👩‍👧‍👦 <&>'
const COUNT = 100

/** T1: what cannot be registered makes no account. */
async function registerWrongly(entity: Entity): Promise<void> {
  const attempts: [string, Element[]][] = [
    ['no password', [xml('username', {}, 'chenwu')]],
    ['no username', [xml('password', {}, 'secret of chenwu')]],
    ['a username that is none', [xml('username', {}, 'chen wu'), xml('password', {}, 'secret of chenwu')]],
  ]
  for (const [what, fields] of attempts) {
    const refused = await entity.iqCaller.request(xml('iq', { type: 'set' }, xml('query', { xmlns: 'jabber:iq:register' }, ...fields))).then(
      () => 'registered',
      (error: { condition?: string }) => `refused: ${error.condition !== undefined}`,
    )
    fact(`with ${what}: ${refused}`)
  }
}

const subscription = async (owner: Actor, contact: Actor) =>
  (await owner.roster()).find((it) => it.attrs.jid === contact.jid)?.attrs.subscription ?? 'no item'
const chat = (from: Actor, to: Actor, body: string) => from.send('message', { to: to.jid, type: 'chat' }, xml('body', {}, body))
const isMessage = (it: Element) => it.is('message')

/** Logged in, interested in the roster, and available for certain. */
async function comeBack(name: string): Promise<Actor> {
  const actor = await Actor.logIn(name)
  await actor.roster()
  await actor.send('presence')
  await actor.roster()
  return actor
}

/** T2: a request to someone who is away is prompted at the next login, and answered. */
async function addContacts(chenwu: Actor): Promise<[Actor, Actor]> {
  for (const name of ['wangjun', 'liusong']) {
    const absent = await Actor.create(name)
    await absent.leave()
    await chenwu.send('presence', { to: absent.jid, type: 'subscribe' })
    await chenwu.roster()
  }
  const wangjun = await comeBack('wangjun')
  await wangjun.receivePresence(chenwu, 'subscribe')
  fact('wangjun is asked by chenwu')
  await wangjun.send('presence', { to: chenwu.jid, type: 'subscribed' })
  await wangjun.send('presence', { to: chenwu.jid, type: 'subscribe' })
  await chenwu.receivePresence(wangjun, 'subscribed')
  await chenwu.receivePresence(wangjun, 'subscribe')
  await chenwu.send('presence', { to: wangjun.jid, type: 'subscribed' })
  await wangjun.receivePresence(chenwu, 'subscribed')
  fact(`accepted: ${await subscription(chenwu, wangjun)}, ${await subscription(wangjun, chenwu)}`)

  const liusong = await comeBack('liusong')
  await liusong.receivePresence(chenwu, 'subscribe')
  await liusong.send('presence', { to: chenwu.jid, type: 'unsubscribed' })
  await chenwu.receivePresence(liusong, 'unsubscribed')
  fact(`refused: ${await subscription(chenwu, liusong)}, ${await subscription(liusong, chenwu)}`)
  return [wangjun, liusong]
}

/** T3: texts arrive as they were, in their order, at once or at the next login. */
async function exchangeMessages(chenwu: Actor, wangjun: Actor, liusong: Actor): Promise<Actor> {
  await chat(chenwu, liusong, TEXT)
  fact(`liusong got the text: ${(await liusong.receive(isMessage)).getChildText('body') === TEXT}`)
  await wangjun.leave()
  for (let i = 0; i < COUNT; i++) await chat(chenwu, wangjun, `${i} ${TEXT}`)
  await chenwu.roster()
  const back = await comeBack('wangjun')
  const bodies: string[] = []
  let delayed = 0
  for (let i = 0; i < COUNT; i++) {
    const message = await back.receive(isMessage)
    bodies.push(message.getChildText('body') ?? '')
    if (message.getChild('delay', 'urn:xmpp:delay')) delayed++
  }
  fact(`wangjun got ${delayed} kept, in order: ${bodies.every((body, i) => body === `${i} ${TEXT}`)}`)
  return back
}

/** T6: who logs out is seen to go, and a contact that is deleted is seen no more. */
async function loseContact(chenwu: Actor, wangjun: Actor): Promise<void> {
  await wangjun.leave()
  await chenwu.receivePresence(wangjun, 'unavailable')
  fact('chenwu sees wangjun go')
  const back = await comeBack('wangjun')
  await chenwu.receivePresence(back, undefined)
  fact('chenwu sees wangjun come')
  await chenwu.request(xml('query', { xmlns: 'jabber:iq:roster' }, xml('item', { jid: back.jid, subscription: 'remove' })))
  await back.receivePresence(chenwu, 'unsubscribed')
  await back.receivePresence(chenwu, 'unavailable')
  fact(`deleted: ${await subscription(chenwu, back)}, ${await subscription(back, chenwu)}`)
  await back.leave()
}

async function playBefore(): Promise<void> {
  const chenwu = await Actor.create('chenwu', registerWrongly)
  chenwu.reportLogin()
  await chenwu.roster()
  await chenwu.send('presence')
  const [wangjun, liusong] = await addContacts(chenwu)
  await loseContact(chenwu, await exchangeMessages(chenwu, wangjun, liusong))
  await chenwu.request(xml('query', { xmlns: 'jabber:iq:roster' }, xml('item', { jid: liusong.jid, name: '刘松' }, xml('group', {}, '同事'))))
  await liusong.leave()
  await chat(chenwu, liusong, 'before the restart')
  await chenwu.roster()
  await chenwu.leave()
}

/** T7: the server was started again: accounts, rosters and kept messages are there. */
async function playAfter(): Promise<void> {
  const chenwu = await comeBack('chenwu')
  const items = (await chenwu.roster()).map((it) => `${it.attrs.name} ${it.getChildText('group')} ${it.attrs.subscription}`)
  fact(`chenwu's roster: ${items.join(', ')}`)
  const liusong = await comeBack('liusong')
  const kept = await liusong.receive((it) => isMessage(it) && it.getChildText('body') !== TEXT)
  fact(`liusong got: ${kept.getChildText('body')}`)
  await liusong.leave()
  await chenwu.leave()
}

await (process.argv[2] === 'after' ? playAfter() : playBefore())
process.exit(0)
