"""IMAP, 143/tcp, and IMAPS, 993/tcp: read mail and leave it on the server (RFC 9051)."""

from __future__ import annotations

import asyncio
import socket
from argparse import Namespace
from datetime import UTC, datetime

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.concurrent import Subsystem
from pymap.exceptions import InvalidAuth
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata
from pysasl import SASLAuth
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import BuiltinHash

from lab_env.services.listening import Stop, stopper
from lab_env.services.site import PASSWORD, USER, Site

HASH_ROUNDS = 1000  # few, so that a login is quick: this password is in the manual


class ClearTextConfig(Config):
    """Allows LOGIN before TLS, as real servers should not: the lab shows the password on the wire."""

    @property
    def initial_auth(self) -> SASLAuth:
        """The same ways to log in as with TLS."""
        return self.tls_auth


class LoggedLogin(Login):
    """The library's accounts, a line in the log for each login."""

    def __init__(self, config: Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        """Check a name and password."""
        try:
            identity = await super().authenticate(credentials)
        except InvalidAuth:
            self._site.log(f"imap: wrong password for {credentials.authcid}")
            raise
        self._site.log(f"imap: login for {credentials.authcid}")
        return identity


class Mailbox:
    """The library's in-memory mailbox, kept up with the host's."""

    def __init__(self, site: Site, login: Login) -> None:
        self._site = site
        self._owner = login.demo_user_identity
        self._delivered: list[bytes] = []

    async def update(self) -> None:
        """Put in what has come since the last time."""
        delivered = {id(message) for message in self._delivered}
        new = [message for message in self._site.mailbox if id(message) not in delivered]
        self._delivered += new
        async with self._owner.new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            for message in new:
                await inbox.append(AppendMessage(message, datetime.now(UTC), frozenset()), recent=True)


async def accounts(config: Config, site: Site) -> Login:
    """The learner's account."""
    login = LoggedLogin(config, site)
    password = await Passwords(config).hash_password(PASSWORD)
    await login.demo_user_identity.set(UserMetadata(config, USER, password=password))
    return login


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the host's mailbox, with STARTTLS unless TLS runs from the start."""
    config = ClearTextConfig(
        Namespace(proxy_protocol=None),
        host=None,
        port=0,
        demo_data=False,
        demo_user=USER,
        demo_password=PASSWORD,
        hash_context=BuiltinHash(rounds=HASH_ROUNDS),
        cpu_subsystem=Subsystem.for_asyncio(),  # so few rounds need no threads
        ssl_context=site.tls(),
        tls_enabled=not tls,
        reject_dnsbl=False,  # no lookups beyond the lab
    )
    config.apply_context()
    login = await accounts(config, site)
    mailbox = Mailbox(site, login)
    # Without this wrapper of the library's own the greeting never comes.
    welcome = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(login, config))

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await mailbox.update()
        await welcome(reader, writer)

    return stopper(await asyncio.start_server(client, sock=sock, ssl=site.tls() if tls else None))
