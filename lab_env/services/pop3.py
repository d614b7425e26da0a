"""POP3, 110/tcp, and POP3S, 995/tcp: fetch mail and delete it on the server (RFC 1939, RFC 2595, RFC 5034).

Own code: no kept asyncio library serves POP3.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import socket
from collections.abc import Awaitable, Callable

from lab_env.services.listening import Stop, peer, talk
from lab_env.services.site import USER, Site, is_learner

GREETING = "+OK PortLab POP3 server ready"
CAPABILITIES = ("USER", "UIDL", "TOP", "SASL PLAIN")
REFUSED = "-ERR [AUTH] Authentication failed."
NO_SUCH_MESSAGE = "-ERR no such message"
HEADERS_END = b"\r\n\r\n"


class Pop3:
    """One client's conversation: log in, look, fetch, mark; QUIT deletes what was marked."""

    def __init__(self, site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.site, self.reader, self.writer = site, reader, writer
        self.user = ""
        self.messages: list[bytes] | None = None  # as they were at login; None before it
        self.marked: set[int] = set()
        self.always: dict[str, Callable[[str], Awaitable[None]]] = {"CAPA": self.capa, "STLS": self.stls}
        self.before_login = {"USER": self.name, "PASS": self.password, "AUTH": self.auth}
        self.after_login = {
            "STAT": self.stat,
            "LIST": self.list,
            "UIDL": self.uidl,
            "RETR": self.retr,
            "TOP": self.top,
            "DELE": self.dele,
            "NOOP": self.noop,
            "RSET": self.rset,
        }

    async def run(self) -> None:
        """Answer commands until QUIT."""
        self.say(GREETING)
        while line := await self.line():
            command, _, argument = line.partition(" ")
            if command.upper() == "QUIT":
                self.delete_marked()
                self.say("+OK Bye")
                await self.writer.drain()
                return
            known = self.always | (self.before_login if self.messages is None else self.after_login)
            if command.upper() in known:
                await known[command.upper()](argument)
            else:
                self.say("-ERR unknown command")

    async def line(self) -> str:
        """Send what is due, read the next line; "" when the client has left."""
        await self.writer.drain()
        line = await self.reader.readline()
        return line.decode("latin-1").strip() or (" " if line else "")

    def say(self, *lines: str | bytes) -> None:
        """Write lines, each with CR LF."""
        for line in lines:
            self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    @property
    def encrypted(self) -> bool:
        """Whether TLS runs on this connection."""
        return self.writer.get_extra_info("ssl_object") is not None

    async def capa(self, argument: str) -> None:
        """What this server can do (RFC 2449)."""
        self.say("+OK Capability list follows", *CAPABILITIES, *([] if self.encrypted else ["STLS"]), ".")

    async def stls(self, argument: str) -> None:
        """Change to TLS on the same port (RFC 2595, section 4)."""
        if self.encrypted:
            self.say("-ERR TLS is active already")
            return
        self.say("+OK Begin TLS")
        await self.writer.drain()
        await self.writer.start_tls(self.site.tls())

    async def name(self, argument: str) -> None:
        """USER: the first half of a login; says nothing about whether the name exists."""
        self.user = argument
        self.say("+OK")

    async def password(self, argument: str) -> None:
        """PASS: the second half."""
        self.log_in(self.user, argument)

    async def auth(self, argument: str) -> None:
        """AUTH PLAIN: name and password in base64, which hides nothing (RFC 4616)."""
        mechanism, _, token = argument.partition(" ")
        if mechanism.upper() != "PLAIN":
            self.say("-ERR only PLAIN is known")
            return
        if not token:
            self.say("+ ")
            token = await self.line()
        try:
            user, password = base64.b64decode(token, validate=True).decode().split("\0")[1:]
        except (binascii.Error, ValueError):
            user, password = "", ""
        self.log_in(user, password)

    def log_in(self, user: str, password: str) -> None:
        """Open the mailbox, or refuse."""
        good = is_learner(user, password)
        self.site.log(f"pop3: {'login' if good else 'wrong password'} for {user} from {peer(self.writer)}")
        if not good:
            self.say(REFUSED)
            return
        self.messages = list(self.site.mailbox)
        self.say(f"+OK {USER} has {len(self.messages)} messages")

    def there(self) -> dict[int, bytes]:
        """Number -> message, without those marked as deleted."""
        return {n: m for n, m in enumerate(self.messages or [], 1) if n not in self.marked}

    def find(self, argument: str) -> tuple[int, bytes] | None:
        """The message an argument names."""
        number = int(argument) if argument.isdigit() else 0
        message = self.there().get(number)
        return (number, message) if message is not None else None

    async def stat(self, argument: str) -> None:
        """How many messages, how many bytes."""
        sizes = [len(message) for message in self.there().values()]
        self.say(f"+OK {len(sizes)} {sum(sizes)}")

    async def list(self, argument: str) -> None:
        """Sizes."""
        self.enumerate(argument, lambda message: str(len(message)))

    async def uidl(self, argument: str) -> None:
        """Names that stay the same from login to login."""
        self.enumerate(argument, lambda message: hashlib.sha256(message).hexdigest()[:32])

    def enumerate(self, argument: str, describe: Callable[[bytes], str]) -> None:
        """One line for the message that was named, or one for each."""
        if not argument:
            lines = [f"{number} {describe(message)}" for number, message in self.there().items()]
            self.say("+OK", *lines, ".")
        elif found := self.find(argument):
            self.say(f"+OK {found[0]} {describe(found[1])}")
        else:
            self.say(NO_SUCH_MESSAGE)

    async def retr(self, argument: str) -> None:
        """The whole message."""
        self.send(argument, None)

    async def top(self, argument: str) -> None:
        """Headers and the first lines of the body."""
        number, _, lines = argument.partition(" ")
        self.send(number, int(lines) if lines.isdigit() else 0)

    def send(self, argument: str, lines: int | None) -> None:
        """A message up to that many body lines; one that begins with a dot gets one more (RFC 1939, section 3)."""
        found = self.find(argument)
        if not found:
            self.say(NO_SUCH_MESSAGE)
            return
        head, _, body = found[1].removesuffix(b"\r\n").partition(HEADERS_END)
        text = [*head.split(b"\r\n"), b"", *body.split(b"\r\n")[:lines]]
        self.say("+OK", *(b"." + line if line.startswith(b".") else line for line in text), ".")

    async def dele(self, argument: str) -> None:
        """Mark a message: QUIT will delete it."""
        found = self.find(argument)
        if found:
            self.marked.add(found[0])
        self.say("+OK marked" if found else NO_SUCH_MESSAGE)

    async def noop(self, argument: str) -> None:
        """Nothing, politely."""
        self.say("+OK")

    async def rset(self, argument: str) -> None:
        """Take all marks away."""
        self.marked.clear()
        self.say("+OK")

    def delete_marked(self) -> None:
        """Remove the marked messages from the mailbox itself."""
        for number in self.marked:
            message = (self.messages or [])[number - 1]
            if message in self.site.mailbox:
                self.site.mailbox.remove(message)


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the host's mailbox."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Pop3(site, reader, writer).run()

    return await talk(sock, conversation, site.log, site.tls() if tls else None)
