/** Romeo and Juliet on npm's @xmpp/client. */
import { xml } from '@xmpp/client'
import { Actor, fact } from './xmpp-client-actor.js'

async function play(): Promise<void> {
  const romeo = await Actor.create('romeo')
  let juliet = await Actor.create('juliet')
  for (const actor of [romeo, juliet]) actor.reportLogin()
  await romeo.send('presence')
  await juliet.send('presence')
  for (const actor of [romeo, juliet]) await actor.roster()

  await subscribe(romeo, juliet)
  fact('juliet approved romeo')
  await subscribe(juliet, romeo)
  fact('romeo approved juliet')
  const subscription = async (owner: Actor, contact: Actor) => (await owner.roster()).find((it) => it.attrs.jid === contact.jid)?.attrs.subscription
  fact(`juliet in romeo's roster: ${await subscription(romeo, juliet)}`)
  fact(`romeo in juliet's roster: ${await subscription(juliet, romeo)}`)
  await juliet.receivePresence(romeo, undefined)
  fact('juliet sees romeo available')

  await romeo.send('message', { to: juliet.jid, type: 'chat' }, xml('body', {}, 'Wherefore art thou?'))
  fact(`juliet got: ${(await juliet.receive((it) => it.is('message'))).getChildText('body')}`)

  await juliet.leave()
  await romeo.receivePresence(juliet, 'unavailable')
  fact('romeo sees juliet unavailable')
  await romeo.send('message', { to: juliet.jid, type: 'chat' }, xml('body', {}, 'Come back!'))
  await romeo.roster()
  juliet = await Actor.logIn('juliet')
  await juliet.send('presence')
  const late = await juliet.receive((it) => it.is('message'))
  fact(`juliet got ${late.getChild('delay', 'urn:xmpp:delay') ? 'delayed' : 'at once'}: ${late.getChildText('body')}`)
  await juliet.leave()
  await romeo.leave()
}

async function subscribe(from: Actor, to: Actor): Promise<void> {
  await from.send('presence', { to: to.jid, type: 'subscribe' })
  await to.receivePresence(from, 'subscribe')
  await to.send('presence', { to: from.jid, type: 'subscribed' })
  await from.receivePresence(to, 'subscribed')
}

await play()
