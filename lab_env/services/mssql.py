"""Microsoft SQL Server, 1433/tcp: login, encrypted as the client wishes, and a few queries it can answer
([MS-TDS]).

Own code: there is no server library for it.  The bytes of the protocol are made in `tds`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

from lab_env.services import tds
from lab_env.services.listening import Stop, peer, talk
from lab_env.services.site import Site, is_learner

VERSION = "Microsoft SQL Server 2019 (PortLab) 15.0.2000"
# SQL Server's error numbers
LOGIN_FAILED, INVALID_OBJECT, NO_PROCEDURE, CONTEXT_CHANGED = 18456, 208, 2812, 5701

FROM_HOSTS = re.compile(r"select .*from\s+(dbo\.)?hosts\b", re.DOTALL)
LITERAL = re.compile(r"select\s+(\d+|'[^']*')\s*;?$")


def result(site: Site, dialect: tds.Dialect, query: str) -> bytes:
    """The answer to a batch of SQL."""
    sql = query.strip().lower()
    literal = LITERAL.match(sql)
    if "@@version" in sql:
        return dialect.table([""], [[VERSION]])
    if "sys.databases" in sql:
        return dialect.table(["name"], [["master"], [site.domain]])
    if FROM_HOSTS.match(sql):
        return dialect.table(["name", "ip"], list(site.addresses.items()))
    if literal:
        return dialect.table([""], [[literal[1].strip("'")]])
    if sql.startswith("select"):
        return dialect.failure(INVALID_OBJECT, 16, "Invalid object name.")
    return dialect.done()  # SET, USE and their like


def welcome(dialect: tds.Dialect, database: str) -> bytes:
    """What follows a good login."""
    size = str(tds.PACKET_SIZE)
    return (
        tds.changed(tds.DATABASE_CHANGED, database, "master")
        + dialect.message(tds.INFO, CONTEXT_CHANGED, 0, f"Changed database context to '{database}'.")
        + dialect.login_acknowledged()
        + tds.changed(tds.PACKET_SIZE_CHANGED, size, size)
        + dialect.done()
    )


class MssqlConnection:
    """Messages to and from one client, through TLS or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.arrived = bytearray()
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    async def receive(self) -> tuple[int, bytes]:
        """Type and content of the next message."""
        content = b""
        while True:
            kind, status, length, *_ = tds.HEADER.unpack(await self._exactly(tds.HEADER.size))
            content += await self._exactly(length - tds.HEADER.size)
            if status & tds.LAST:
                return kind, content

    async def _exactly(self, count: int) -> bytes:
        while len(self.arrived) < count:
            self.arrived += await self._some()
        taken = bytes(self.arrived[:count])
        del self.arrived[:count]
        return taken

    async def _some(self) -> bytes:
        if self.tls:
            try:
                return self.tls.read(tds.PACKET_SIZE)
            except ssl.SSLWantReadError:
                self.incoming.write(await self._from_wire())
                return b""
        return await self._from_wire()

    async def _from_wire(self) -> bytes:
        data = await self.reader.read(tds.PACKET_SIZE)
        if not data:
            raise ConnectionResetError
        return data

    async def send(self, content: bytes, kind: int = tds.REPLY) -> None:
        """Send one message."""
        for packet in tds.packets(kind, content):
            if self.tls:
                self.tls.write(packet)
                packet = self.outgoing.read()
            self.writer.write(packet)
        await self.writer.drain()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands inside PRELOGIN packets; what follows is the other way round, packets inside TLS."""
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        finished = False
        while not finished:
            try:
                tls.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                pass
            if records := self.outgoing.read():
                await self.send(records, tds.PRELOGIN)
            if not finished:
                self.incoming.write((await self.receive())[1])
        self.tls = tls


def tls_context(site: Site) -> ssl.SSLContext:
    """TLS 1.2 at most: 1.3 ends its handshake with records that do not fit into PRELOGIN packets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.certificate, site.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def log_in(site: Site, connection: MssqlConnection) -> tds.Dialect | None:
    """Agree on encryption, take the login; the client's dialect, or None if it may not stay."""
    kind, body = await connection.receive()
    if kind != tds.PRELOGIN:
        return None
    wanted = tds.prelogin_options(body).get(tds.ENCRYPTION_OPTION, b"")[:1]
    encryption = wanted[0] if wanted and wanted[0] <= tds.ENCRYPT_REQUIRED else tds.ENCRYPT_NOTHING
    await connection.send(tds.prelogin(encryption))
    if encryption != tds.ENCRYPT_NOTHING:
        await connection.start_tls(tls_context(site))
    kind, body = await connection.receive()
    if kind != tds.LOGIN:
        return None
    if encryption == tds.ENCRYPT_LOGIN:
        connection.tls = None
    user, password, database = tds.login_fields(body)
    good = is_learner(user, password)
    site.log(f"mssql: {'login' if good else 'wrong password'} for {user} from {peer(connection.writer)}")
    dialect = tds.dialect_of(body)
    refusal = dialect.failure(LOGIN_FAILED, 14, f"Login failed for user '{user}'.")
    await connection.send(welcome(dialect, database or "master") if good else refusal)
    return dialect if good else None


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve logins and queries."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = MssqlConnection(reader, writer)
        dialect = await log_in(site, connection)
        if not dialect:
            return
        while True:
            kind, body = await connection.receive()
            if kind == tds.BATCH:
                await connection.send(result(site, dialect, dialect.batch_text(body)))
            elif kind == tds.RPC:
                await connection.send(dialect.failure(NO_PROCEDURE, 16, "Could not find stored procedure."))
            else:
                await connection.send(dialect.done(tds.DONE_ATTENTION if kind == tds.ATTENTION else 0))

    return await talk(sock, conversation, site.log)
