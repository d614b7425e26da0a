"""LDAP, 389/tcp, and LDAPS, 636/tcp: a small directory of the lab's people and hosts (RFC 4511)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import socket
from typing import Any, cast

from ldaptor.inmemory import fromLDIFFile
from ldaptor.interfaces import IConnectedLDAPEntry
from ldaptor.protocols.ldap.ldapserver import LDAPServer
from twisted.python.components import registerAdapter

from lab_env.services.listening import Stop, stopper
from lab_env.services.site import PASSWORD, USER, Site

SALT = b"portlab"
DIRECTORY = """dn: dc={domain}
objectClass: dcObject
objectClass: organization
dc: {domain}
o: PortLab

dn: ou=people,dc={domain}
objectClass: organizationalUnit
ou: people

dn: uid={user},ou=people,dc={domain}
objectClass: inetOrgPerson
uid: {user}
cn: Lab Student
sn: Student
mail: {user}@{domain}
userPassword: {password}

dn: ou=hosts,dc={domain}
objectClass: organizationalUnit
ou: hosts

"""
HOST = """dn: cn={name},ou=hosts,dc={domain}
objectClass: device
objectClass: ipHost
cn: {name}
ipHostNumber: {address}

"""


class Root:
    """What the library calls a factory: it holds the root of the tree."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree


registerAdapter(lambda root: root.tree, Root, IConnectedLDAPEntry)  # type: ignore[no-untyped-call]  # Twisted has no types here


class LdapTransport:
    """The two things the library asks of a Twisted transport, done by asyncio's; so no reactor is needed."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.write = transport.write
        self.loseConnection = transport.close


class LdapConnection(asyncio.Protocol):
    """One client: bytes go to the library's protocol and its answers come back."""

    def __init__(self, site: Site, root: Root) -> None:
        self._site = site
        self._server = LDAPServer()
        self._server.factory = root

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the library something to write to."""
        self._transport = cast(asyncio.Transport, transport)
        self._site.log(f"ldap: a connection from {transport.get_extra_info('peername')[0]}")
        self._server.transport = LdapTransport(self._transport)
        self._server.connectionMade()

    def data_received(self, data: bytes) -> None:
        """Hand on what came; whoever does not speak LDAP is hung up on."""
        try:
            self._server.dataReceived(data)
        except Exception:
            self._site.log("ldap: hung up on a client that did not speak the protocol")
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the library."""
        self._server.connectionLost()


def ldif(site: Site) -> bytes:
    """The directory as text; the password is salted and hashed (RFC 2307 gives the notation)."""
    digest = hashlib.sha1(PASSWORD.encode() + SALT, usedforsecurity=False).digest()
    password = "{SSHA}" + base64.b64encode(digest + SALT).decode()
    text = DIRECTORY.format(domain=site.domain, user=USER, password=password)
    for name, address in site.addresses.items():
        text += HOST.format(domain=site.domain, name=name, address=address)
    return text.encode()


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the directory; everybody may read, a bind checks the password."""
    loop = asyncio.get_running_loop()
    root = Root(await fromLDIFFile(io.BytesIO(ldif(site))).asFuture(loop))
    return stopper(
        await loop.create_server(
            lambda: LdapConnection(site, root), sock=sock, ssl=site.tls() if tls else None
        )
    )
