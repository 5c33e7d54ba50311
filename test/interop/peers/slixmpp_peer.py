"""Romeo and Juliet on Debian's slixmpp: STARTTLS with the certificate verified, the strongest SCRAM it finds."""
import asyncio
import os

from slixmpp import ClientXMPP

DOMAIN = os.environ["XMPP_DOMAIN"]
PORT = int(os.environ["XMPP_PORT"])


def fact(text):
    print(text, flush=True)


class Actor(ClientXMPP):
    def __init__(self, name, is_new):
        super().__init__(f"{name}@{DOMAIN}/debian", f"secret of {name}")
        self.name = name
        self.ca_certs = os.environ["XMPP_CERTIFICATE"]
        self.auto_authorize = None
        self.auto_subscribe = False
        self.queued = []
        self.came = asyncio.Event()
        self.online = asyncio.get_event_loop().create_future()
        if is_new:
            self.register_plugin("xep_0077")
            # slixmpp 1.8.3 holds back every iq before login, its own registration too.
            self._always_send_everything = True
            self.add_event_handler("register", self.register_account)
        self.add_event_handler("session_start", lambda _: self.online.set_result(True))
        self.add_event_handler("failed_all_auth", lambda _: self.online.set_exception(RuntimeError("authentication failed")))
        self.add_event_handler("message", self.keep)
        for kind in ("available", "unavailable", "subscribe", "subscribed"):
            self.add_event_handler(f"presence_{kind}", self.keep)

    async def register_account(self, _form):
        iq = self.Iq()
        iq["type"] = "set"
        iq["register"]["username"] = self.name
        iq["register"]["password"] = self.password
        await iq.send()
        fact(f"{self.name} registered")

    def keep(self, stanza):
        self.queued.append(stanza)
        self.came.set()

    async def log_in(self):
        self.connect(("127.0.0.1", PORT))
        await self.online

    def report_login(self):
        mechanism = self["feature_mechanisms"].mech.name.split("-")[0]
        inside = "inside" if "starttls" in self.features else "without"
        fact(f"{self.name} logged in with {mechanism} {inside} TLS")

    async def receive(self, matches):
        while True:
            for stanza in self.queued:
                if matches(stanza):
                    self.queued.remove(stanza)
                    return stanza
            self.came.clear()
            await self.came.wait()

    def receive_presence(self, sender, kind):
        return self.receive(lambda it: it.name == "presence" and it["from"].bare == sender.boundjid.bare and it["type"] == kind)

    async def subscription(self, contact):
        """Asks for the roster, which also shows that all sent before was handled."""
        await self.get_roster()
        return self.client_roster[contact.boundjid.bare]["subscription"]

    async def leave(self):
        await self.disconnect()


async def subscribe(asker, asked):
    asker.send_presence(pto=asked.boundjid.bare, ptype="subscribe")
    await asked.receive_presence(asker, "subscribe")
    asked.send_presence(pto=asker.boundjid.bare, ptype="subscribed")
    await asker.receive_presence(asked, "subscribed")


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
