"""Romeo and Juliet on Debian's slixmpp."""
import asyncio

from slixmpp_actor import Actor, fact, subscribe


async def play():
    romeo, juliet = Actor("romeo", True), Actor("juliet", True)
    for actor in (romeo, juliet):
        await actor.log_in()
    for actor in (romeo, juliet):
        actor.report_login()
    for actor in (romeo, juliet):
        actor.send_presence()
        await actor.get_roster()

    await subscribe(romeo, juliet)
    fact("juliet approved romeo")
    await subscribe(juliet, romeo)
    fact("romeo approved juliet")
    fact(f"juliet in romeo's roster: {await romeo.subscription(juliet)}")
    fact(f"romeo in juliet's roster: {await juliet.subscription(romeo)}")
    await juliet.receive_presence(romeo, "available")
    fact("juliet sees romeo available")

    romeo.send_message(juliet.boundjid.bare, "Wherefore art thou?", mtype="chat")
    message = await juliet.receive(lambda it: it.name == "message")
    fact(f"juliet got: {message['body']}")

    await juliet.leave()
    await romeo.receive_presence(juliet, "unavailable")
    fact("romeo sees juliet unavailable")
    romeo.send_message(juliet.boundjid.bare, "Come back!", mtype="chat")
    await romeo.get_roster()
    juliet = Actor("juliet", False)
    juliet.register_plugin("xep_0203")
    await juliet.log_in()
    juliet.report_login()
    juliet.send_presence()
    late = await juliet.receive(lambda it: it.name == "message")
    how = "delayed" if late.xml.find("{urn:xmpp:delay}delay") is not None else "at once"
    fact(f"juliet got {how}: {late['body']}")
    await juliet.leave()
    await romeo.leave()


loop = asyncio.get_event_loop()
loop.run_until_complete(asyncio.wait_for(play(), 45))
