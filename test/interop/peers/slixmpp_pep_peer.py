"""Romeo and Juliet on Debian's slixmpp, which computes capabilities and answers for them by itself: nicknames, avatars, nodes of accounts and of the service."""
import asyncio
import hashlib

from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET

from slixmpp_actor import DOMAIN, Actor, fact, subscribe

SERVICE = f"pubsub.{DOMAIN}"
NICK = "http://jabber.org/protocol/nick"
METADATA = "urn:xmpp:avatar:metadata"
IMAGE = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


class PepActor(Actor):
    def __init__(self, name):
        super().__init__(name, True)
        for plugin in ("xep_0030", "xep_0060", "xep_0115", "xep_0163", "xep_0172", "xep_0084", "xep_0054", "xep_0059"):
            self.register_plugin(plugin)
        for event in ("publish", "retract", "delete"):
            self.add_event_handler(f"pubsub_{event}", self.keep)

    def keep(self, stanza):
        # An event is a message as well: it comes here for both.
        if stanza not in self.queued:
            super().keep(stanza)

    async def come_online(self, interests):
        await self.log_in()
        for node in interests:
            self["xep_0163"].add_interest(node)
        await self["xep_0115"].update_caps(broadcast=False)
        self.send_presence()
        await self.get_roster()

    async def receive_event(self, node):
        event = await self.receive(lambda it: it.name == "message" and it["pubsub_event"]["items"]["node"] == node)
        return event["from"].bare, event["pubsub_event"]["items"]


async def play():
    juliet, romeo = PepActor("juliet"), PepActor("romeo")
    await juliet.come_online([])
    await romeo.come_online([NICK, METADATA])
    await subscribe(romeo, juliet)
    await subscribe(juliet, romeo)
    info = await juliet["xep_0030"].get_info(jid=juliet.boundjid.bare)
    fact(f"juliet finds pep: {('pubsub', 'pep', None, None) in info['disco_info']['identities']}")

    await juliet["xep_0172"].publish_nick("Jule")
    sender, items = await romeo.receive_event(NICK)
    fact(f"romeo is told by {sender.split('@')[0]}: {items['item'].xml.find('{%s}nick' % NICK).text}")

    digest = hashlib.sha1(IMAGE).hexdigest()
    form = juliet["xep_0004"].make_form(ftype="submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
    form.add_field(var="pubsub#access_model", value="open")
    await juliet["xep_0084"].publish_avatar(IMAGE, options=form)
    await juliet["xep_0084"].publish_avatar_metadata([{"id": digest, "type": "image/png", "bytes": len(IMAGE)}])
    _, items = await romeo.receive_event(METADATA)
    fact(f"romeo is told of the avatar: {items['item']['id'] == digest}")
    data = await romeo["xep_0084"].retrieve_avatar(juliet.boundjid.bare, digest)
    fact(f"romeo gets it: {data['pubsub']['items']['item']['avatar_data']['value'] == IMAGE}")
    card = await romeo["xep_0054"].get_vcard(juliet.boundjid.bare)
    fact(f"and from the vCard: {card['vcard_temp']['PHOTO']['BINVAL'] == IMAGE}")

    pubsub = juliet["xep_0060"]
    await pubsub.create_node(SERVICE, "musings")
    await romeo["xep_0060"].subscribe(SERVICE, "musings")
    await pubsub.publish(SERVICE, "musings", id="one", payload=ET.fromstring("<entry xmlns='http://www.w3.org/2005/Atom'/>"))
    sender, items = await romeo.receive_event("musings")
    fact(f"romeo is told by the service: {items['item']['id']}")
    found = await romeo["xep_0060"].get_items(SERVICE, "musings")
    fact(f"items: {[it['id'] for it in found['pubsub']['items']]}")
    nodes = await romeo["xep_0060"].get_nodes(SERVICE)
    fact(f"nodes: {[node for _, node, _ in nodes['disco_items']['items']]}")
    try:
        await romeo["xep_0060"].delete_node(SERVICE, "musings")
    except IqError as error:
        fact(f"romeo may not delete it: {error.condition}")
    await pubsub.delete_node(SERVICE, "musings")
    await romeo.receive(lambda it: it.name == "message" and it["pubsub_event"]["delete"]["node"] == "musings")
    fact("romeo is told that it is gone")
    await juliet.leave()
    await romeo.leave()


loop = asyncio.get_event_loop()
loop.run_until_complete(asyncio.wait_for(play(), 45))
