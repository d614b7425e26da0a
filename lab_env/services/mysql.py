"""MySQL, 3306/tcp: a database `lab` with one table, `hosts`.

Without TLS: the library's way of changing to it loses the client's first bytes now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from typing import Any

from mysql_mimic import IdentityProvider, MysqlServer, NativePasswordAuthPlugin, Session, User
from mysql_mimic.control import LocalControl
from mysql_mimic.stream import ConnectionClosed
from sqlglot.executor import execute
from sqlglot.expressions import Expression

from lab_env.services.listening import Stop, stopper
from lab_env.services.site import PASSWORD, USER, Site

DATABASE = "lab"


class Accounts(IdentityProvider):  # type: ignore[misc]  # mysql-mimic has no types
    """The learner's account."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def get_user(self, username: str) -> User | None:
        """The account of that name; a stranger's has a password nobody knows, so that names cannot be tried out."""
        self._site.log(f"mysql: {username} wants to log in")
        return User(
            name=username,
            auth_string=NativePasswordAuthPlugin.create_auth_string(
                PASSWORD if username == USER else secrets.token_hex()
            ),
            auth_plugin=NativePasswordAuthPlugin.name,
        )


class Queries(Session):  # type: ignore[misc]  # mysql-mimic has no types
    """Answers SELECT from a table in memory."""

    def __init__(self, tables: dict[str, list[dict[str, str]]]) -> None:
        super().__init__()
        self._tables = tables

    async def query(self, expression: Expression, sql: str, attrs: dict[str, str]) -> Any:
        """Rows and column names."""
        result = execute(expression, tables={DATABASE: self._tables})
        return result.rows, result.columns

    async def schema(self) -> dict[str, Any]:
        """What SHOW TABLES and DESCRIBE tell."""
        return {DATABASE: {"hosts": {"name": "TEXT", "ip": "TEXT"}}}


class MysqlDatabase(MysqlServer):  # type: ignore[misc]  # mysql-mimic has no types
    """The library's server; a client that leaves in the middle, as scanners do, is no error."""

    async def _client_connected_cb(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ConnectionClosed):
            await super()._client_connected_cb(reader, writer)


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the table of the lab's hosts."""
    tables = {"hosts": [{"name": name, "ip": address} for name, address in site.addresses.items()]}
    control = LocalControl()
    control.server_id = 0  # small connection numbers, as of a server just started; nmap knows MySQL by them
    server = MysqlDatabase(lambda: Queries(tables), identity_provider=Accounts(site), control=control)
    await server.start_server(sock=sock, port=None)

    return stopper(server)
