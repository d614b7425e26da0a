"""SIP, 5060/udp and tcp, 5061/tcp with TLS: sets up telephone calls (RFC 3261).

Answers OPTIONS, REGISTER (with a digest login) and INVITE; keeps quiet to what is no SIP request.  Own
code: there is no kept asyncio library for the server side.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import socket

from lab_env.services.listening import Address, Stop, answer_datagrams, talk
from lab_env.services.site import PASSWORD, USER, Site

SERVER = "PortLab SIP"
REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) SIP/2\.0$")
REQUIRED = ("via", "from", "to", "call-id", "cseq")  # RFC 3261, section 8.1.1
SHORT_FORMS = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
ALLOW = "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REGISTER"
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)")
PARAMETER = re.compile(r'(\w+)="?([^",]+)"?')
DESCRIPTION = """v=0
o=portlab 1 1 IN IP4 {address}
s=PortLab
c=IN IP4 {address}
t=0 0
m=audio 16384 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=inactive
"""

Headers = dict[str, list[str]]


def md5(text: str) -> str:
    """The hash of SIP's digest login (RFC 3261, section 22.4)."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def parse(message: bytes) -> tuple[str, Headers] | None:
    """Method and headers of a request; None for anything else."""
    lines = message.partition(END_OF_HEAD)[0].decode("utf-8", "replace").split("\r\n")
    request = REQUEST_LINE.match(lines[0])
    if not request:
        return None
    headers: Headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers.setdefault(SHORT_FORMS.get(name, name), []).append(value.strip())
    return request[1], headers


def respond(headers: Headers, sender: Address, status: str, *extra: str, body: str = "") -> bytes:
    """A response: the request's own headers come back, as RFC 3261, section 8.2.6.2 wants."""
    via = list(headers.get("via", []))
    if via:  # the sender may be behind an address translator: tell it what we saw (RFC 3581)
        via[0] = re.sub(r";rport(?=;|$)", f";rport={sender[1]}", via[0]) + f";received={sender[0]}"
    source, to, call, sequence = (headers.get(name, [""])[0] for name in REQUIRED[1:])
    tag = "" if ";tag=" in to else f";tag={md5(call)[:10]}"
    body = body.replace("\n", "\r\n")
    lines = [
        f"SIP/2.0 {status}",
        *(f"Via: {value}" for value in via),
        f"From: {source}",
        f"To: {to}{tag}",
        f"Call-ID: {call}",
        f"CSeq: {sequence}",
        f"Server: {SERVER}",
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + END_OF_HEAD + body.encode()


class Telephony:
    """What the server says to each request, and who has registered."""

    def __init__(self, site: Site, address: str, port: int) -> None:
        self.site = site
        self.address = address
        self.contact = f"Contact: <sip:{address}:{port}>"
        self.nonces: set[str] = set()

    def answer(self, message: bytes, sender: Address) -> list[bytes]:
        """The responses to one message: none, one, or for INVITE several."""
        parsed = parse(message)
        if parsed is None:
            self.site.log(f"sip: {len(message)} bytes from {sender[0]} are no request, not answered")
            return []
        method, headers = parsed
        self.site.log(f"sip: {method} from {sender[0]}")
        if any(name not in headers for name in REQUIRED):
            return [respond(headers, sender, "400 Bad Request")]
        match method:
            case "ACK":
                return []
            case "OPTIONS":
                return [respond(headers, sender, "200 OK", ALLOW, "Accept: application/sdp", self.contact)]
            case "REGISTER":
                return [self.register(headers, sender)]
            case "INVITE":
                return self.invite(headers, sender)
            case "BYE" | "CANCEL":
                return [respond(headers, sender, "200 OK")]
        return [respond(headers, sender, "405 Method Not Allowed", ALLOW)]

    def register(self, headers: Headers, sender: Address) -> bytes:
        """Register a telephone, if it knows the password."""
        if not self.knows_password(headers.get("authorization", [""])[0]):
            nonce = secrets.token_hex(8)
            self.nonces.add(nonce)
            challenge = f'Digest realm="{self.site.domain}", nonce="{nonce}", algorithm=MD5, qop="auth"'
            return respond(headers, sender, "401 Unauthorized", f"WWW-Authenticate: {challenge}")
        self.site.log(f"sip: {USER} registered from {sender[0]}")
        contact = headers.get("contact", [""])[0]
        return respond(headers, sender, "200 OK", f"Contact: {contact};expires=3600")

    def knows_password(self, authorization: str) -> bool:
        """Whether a digest was made from a nonce of ours and the learner's password (RFC 7616)."""
        given = dict(PARAMETER.findall(authorization))
        if given.get("nonce") not in self.nonces or given.get("username") != USER:
            return False
        secret = md5(f"{USER}:{self.site.domain}:{PASSWORD}")
        quality = [given.get(name, "") for name in ("nc", "cnonce", "qop")] if "qop" in given else []
        request = md5(f"REGISTER:{given.get('uri', '')}")
        return given.get("response") == md5(":".join([secret, given["nonce"], *quality, request]))

    def invite(self, headers: Headers, sender: Address) -> list[bytes]:
        """Ring, then accept; the call carries no sound."""
        description = DESCRIPTION.format(address=self.address)
        accepted = (ALLOW, self.contact, "Content-Type: application/sdp")
        return [
            respond(headers, sender, "100 Trying"),
            respond(headers, sender, "180 Ringing", self.contact),
            respond(headers, sender, "200 OK", *accepted, body=description),
        ]


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Answer requests, over UDP or TCP as the socket is."""
    telephony = Telephony(site, *sock.getsockname())

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = writer.get_extra_info("peername")
        while True:
            head = await reader.readuntil(END_OF_HEAD)
            length = LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            for response in telephony.answer(head.lstrip() + body, sender):
                writer.write(response)
            await writer.drain()

    if sock.type == socket.SOCK_DGRAM:
        return await answer_datagrams(sock, telephony.answer, site.log)
    return await talk(sock, conversation, site.log, site.tls() if tls else None)
