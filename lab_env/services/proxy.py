"""HTTP proxy, 3128/tcp: fetches pages and opens tunnels for the learner's account, to web ports of the lab only.

RFC 9110: section 7.6 (forwarding), 9.3.6 (CONNECT), 11.7 (login at a proxy).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import socket
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import urlsplit

from lab_env.services.listening import Stop, peer, talk
from lab_env.services.site import Site, is_learner

NAME = "PortLab-proxy"
END_OF_HEAD = b"\r\n\r\n"
HTTP_PORT, HTTPS_PORT = 80, 443
CHUNK = 65536
PATIENCE = 10.0  # seconds for the other server to accept
# meant for this connection and not for the next one (section 7.6.1)
HOP_BY_HOP = ("connection", "proxy-connection", "keep-alive", "proxy-authorization")


class Refusal(Exception):
    """A request this proxy does not carry out: the status to answer with and why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Request:
    """The head of a request."""

    method: str
    uri: str
    headers: tuple[str, ...]  # whole lines

    def header(self, name: str) -> str:
        """The value of a header, "" if it is not there."""
        found = [
            line.partition(":")[2] for line in self.headers if line.partition(":")[0].strip().lower() == name
        ]
        return found[0].strip() if found else ""


def parse(head: bytes) -> Request:
    """A request's head, from its first line to the empty one."""
    first, *headers = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise Refusal(HTTPStatus.BAD_REQUEST, "This is not an HTTP request.")
    return Request(words[0], words[1], tuple(headers))


def check_login(request: Request) -> str:
    """The user's name; Basic means name and password in base64, which hides nothing (RFC 7617)."""
    scheme, _, token = request.header("proxy-authorization").partition(" ")
    try:
        user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user, password = "", ""
    if scheme.lower() != "basic" or not is_learner(user, password):
        raise Refusal(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, "This proxy wants a login.")
    return user


def target(method: str, uri: str) -> tuple[str, int]:
    """Host and port that a request is for: of a URI, or after CONNECT of "host:port"."""
    try:
        parts = urlsplit(f"//{uri}" if method == "CONNECT" else uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or (method != "CONNECT" and parts.scheme != "http"):
        raise Refusal(HTTPStatus.BAD_REQUEST, "This is a proxy: ask for a whole URI, such as http://web.lab/")
    port = port or (HTTPS_PORT if method == "CONNECT" else HTTP_PORT)
    if port not in (HTTP_PORT, HTTPS_PORT):
        raise Refusal(HTTPStatus.FORBIDDEN, f"This proxy goes to ports 80 and 443, not to {port}.")
    return host, port


def address_of(site: Site, host: str) -> str:
    """The address of a lab host by name or number; there is nothing else to go to."""
    name = host.removesuffix(f".{site.domain}")
    if name in site.addresses:
        return site.addresses[name]
    if host in site.addresses.values():
        return host
    raise Refusal(HTTPStatus.FORBIDDEN, f"This proxy knows the lab only, not {host}.")


def forwarded(request: Request) -> bytes:
    """The request as the other server gets it: path instead of URI, a Via line, one exchange a connection."""
    parts = urlsplit(request.uri)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [line for line in request.headers if line.partition(":")[0].strip().lower() not in HOP_BY_HOP]
    lines = [f"{request.method} {path} HTTP/1.1", *kept, f"Via: 1.1 {NAME}", "Connection: close"]
    return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD


def response(refusal: Refusal, realm: str) -> bytes:
    """A refusal as a whole response with a line of text."""
    body = f"{refusal}\n".encode()
    lines = [
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}",
        f"Server: {NAME}",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if refusal.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        lines.append(f'Proxy-Authenticate: Basic realm="{realm}"')
    return "\r\n".join(lines).encode() + END_OF_HEAD + body


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes one way until their sender has no more."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def handle(site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request: check it, reach the other server, then only carry bytes both ways."""
    request = parse(await reader.readuntil(END_OF_HEAD))
    user = check_login(request)
    site.log(f"proxy: {request.method} {request.uri} for {user} from {peer(writer)}")
    host, port = target(request.method, request.uri)
    address = address_of(site, host)
    try:
        async with asyncio.timeout(PATIENCE):
            far_reader, far_writer = await asyncio.open_connection(address, port)
    except OSError as error:  # TimeoutError is one too
        raise Refusal(HTTPStatus.BAD_GATEWAY, f"{host} port {port} could not be reached: {error}") from error
    if request.method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established" + END_OF_HEAD)
    else:
        far_writer.write(forwarded(request))
    try:
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
    finally:
        far_writer.close()


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve requests for the lab's web servers."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(site, reader, writer)
        except Refusal as refusal:
            site.log(f"proxy: {refusal.status.value} to {peer(writer)}: {refusal}")
            writer.write(response(refusal, site.domain))
            await writer.drain()

    return await talk(sock, conversation, site.log)
