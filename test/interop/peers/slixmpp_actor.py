"""A user on Debian's slixmpp: STARTTLS with the certificate verified, the strongest SCRAM it finds."""
import asyncio
import os

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError

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
        self.before_registration = None
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
        for kind in ("available", "unavailable", "subscribe", "subscribed", "unsubscribed"):
            self.add_event_handler(f"presence_{kind}", self.keep)

    async def try_to_register(self, username, password):
        """Registers with what is given. Returns whether the server refused."""
        iq = self.Iq()
        iq["type"] = "set"
        if username is not None:
            iq["register"]["username"] = username
        if password is not None:
            iq["register"]["password"] = password
        try:
            await iq.send()
        except IqError:
            return True
        return False

    async def register_account(self, _form):
        if self.before_registration:
            await self.before_registration(self)
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
