"""Chenwu, Wangjun and Liusong on Debian's slixmpp: registering, contacts, messages, and what a restart of the server leaves."""
import asyncio
import sys

from slixmpp_actor import Actor, fact

TEXT = "明天上午九点开会 👩‍👩‍👧‍👦 <&>"
COUNT = 100


async def register_wrongly(actor):
    """T1: what cannot be registered makes no account."""
    for what, username, password in (
        ("no password", "chenwu", None),
        ("no username", None, "secret of chenwu"),
        ("a username that is none", "chen wu", "secret of chenwu"),
    ):
        refused = await actor.try_to_register(username, password)
        fact(f"with {what}: refused: {str(refused).lower()}")


async def create(name):
    actor = Actor(name, True)
    await actor.log_in()
    return actor


async def come_back(name):
    """Logged in, interested in the roster, and available for certain."""
    actor = Actor(name, False)
    actor.register_plugin("xep_0203")
    await actor.log_in()
    actor.report_login()
    await actor.get_roster()
    actor.send_presence()
    await actor.get_roster()
    return actor


async def items_of(owner):
    """The roster as the server has it, whatever version slixmpp remembers."""
    answer = await owner.make_iq_get(queryxmlns="jabber:iq:roster").send()
    return answer.xml.iter("{jabber:iq:roster}item")


async def subscription(owner, contact):
    for item in await items_of(owner):
        if item.get("jid") == contact.boundjid.bare:
            return item.get("subscription")
    return "no item"


def chat(sender, to, body):
    sender.send_message(to.boundjid.bare, body, mtype="chat")


async def receive_message(actor):
    return await actor.receive(lambda it: it.name == "message")


async def add_contacts(chenwu):
    """T2: a request to someone who is away is prompted at the next login, and answered."""
    for name in ("wangjun", "liusong"):
        absent = await create(name)
        await absent.leave()
        chenwu.send_presence(pto=absent.boundjid.bare, ptype="subscribe")
        await chenwu.get_roster()
    wangjun = await come_back("wangjun")
    await wangjun.receive_presence(chenwu, "subscribe")
    fact("wangjun is asked by chenwu")
    wangjun.send_presence(pto=chenwu.boundjid.bare, ptype="subscribed")
    wangjun.send_presence(pto=chenwu.boundjid.bare, ptype="subscribe")
    await chenwu.receive_presence(wangjun, "subscribed")
    await chenwu.receive_presence(wangjun, "subscribe")
    chenwu.send_presence(pto=wangjun.boundjid.bare, ptype="subscribed")
    await wangjun.receive_presence(chenwu, "subscribed")
    fact(f"accepted: {await subscription(chenwu, wangjun)}, {await subscription(wangjun, chenwu)}")

    liusong = await come_back("liusong")
    await liusong.receive_presence(chenwu, "subscribe")
    liusong.send_presence(pto=chenwu.boundjid.bare, ptype="unsubscribed")
    await chenwu.receive_presence(liusong, "unsubscribed")
    fact(f"refused: {await subscription(chenwu, liusong)}, {await subscription(liusong, chenwu)}")
    return wangjun, liusong


async def exchange_messages(chenwu, wangjun, liusong):
    """T3: texts arrive as they were, in their order, at once or at the next login."""
    chat(chenwu, liusong, TEXT)
    message = await receive_message(liusong)
    fact(f"liusong got the text: {str(message['body'] == TEXT).lower()}")
    await wangjun.leave()
    for i in range(COUNT):
        chat(chenwu, wangjun, f"{i} {TEXT}")
    await chenwu.get_roster()
    back = await come_back("wangjun")
    messages = [await receive_message(back) for _ in range(COUNT)]
    delayed = sum(it.xml.find("{urn:xmpp:delay}delay") is not None for it in messages)
    in_order = all(it["body"] == f"{i} {TEXT}" for i, it in enumerate(messages))
    fact(f"wangjun got {delayed} kept, in order: {str(in_order).lower()}")
    return back


async def lose_contact(chenwu, wangjun):
    """T6: who logs out is seen to go, and a contact that is deleted is seen no more."""
    await wangjun.leave()
    await chenwu.receive_presence(wangjun, "unavailable")
    fact("chenwu sees wangjun go")
    back = await come_back("wangjun")
    await chenwu.receive_presence(back, "available")
    fact("chenwu sees wangjun come")
    await chenwu.del_roster_item(back.boundjid.bare)
    await back.receive_presence(chenwu, "unsubscribed")
    await back.receive_presence(chenwu, "unavailable")
    fact(f"deleted: {await subscription(chenwu, back)}, {await subscription(back, chenwu)}")
    await back.leave()


async def play_before():
    chenwu = Actor("chenwu", True)
    chenwu.before_registration = register_wrongly
    await chenwu.log_in()
    chenwu.report_login()
    await chenwu.get_roster()
    chenwu.send_presence()
    wangjun, liusong = await add_contacts(chenwu)
    await lose_contact(chenwu, await exchange_messages(chenwu, wangjun, liusong))
    await chenwu.update_roster(liusong.boundjid.bare, name="刘松", groups=["同事"])
    await liusong.leave()
    chat(chenwu, liusong, "before the restart")
    await chenwu.get_roster()
    await chenwu.leave()


async def play_after():
    """T7: the server was started again: accounts, rosters and kept messages are there."""
    chenwu = await come_back("chenwu")
    items = [f"{it.get('name')} {it.findtext('{jabber:iq:roster}group')} {it.get('subscription')}" for it in await items_of(chenwu)]
    fact(f"chenwu's roster: {', '.join(items)}")
    liusong = await come_back("liusong")
    fact(f"liusong got: {(await receive_message(liusong))['body']}")
    await liusong.leave()
    await chenwu.leave()


loop = asyncio.get_event_loop()
loop.run_until_complete(asyncio.wait_for(play_after() if sys.argv[1] == "after" else play_before(), 55))
