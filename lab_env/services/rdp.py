"""RDP, 3389/tcp: negotiates TLS, sets up the session's channels, then says goodbye, since there is no
desktop here ([MS-RDPBCGR]).

Own code: there is no server library for it.  The steps are those of [MS-RDPBCGR], section 1.3.1.1.
"""

from __future__ import annotations

import asyncio
import socket
import struct

from lab_env.services.listening import Stop, peer, talk
from lab_env.services.site import Site

TPKT_VERSION = 3  # RFC 1006, section 6
TPKT = struct.Struct(">BBH")
X224_REQUEST, X224_CONFIRM, X224_DATA = 0xE0, 0xD0, b"\x02\xf0\x80"  # X.224 TPDU types
SOURCE_REFERENCE = 0x1234

# [MS-RDPBCGR] 2.2.1.1.1 and 2.2.1.2: the negotiation block at the end of X.224's connect packets
NEGOTIATION = struct.Struct("<BBHI")  # type, flags, length, protocol or failure code
REQUEST, RESPONSE, FAILURE = 1, 2, 3
PROTOCOL_TLS = 1
TLS_REQUIRED = 1  # failure code SSL_REQUIRED_BY_SERVER
RESPONSE_FLAGS = 0x1F

# MCS domain PDUs by the upper six bits of their first byte (T.125)
ERECT_DOMAIN, ATTACH_USER, CHANNEL_JOIN, SEND_DATA = 1, 10, 14, 25
ATTACH_CONFIRM = b"\x2e\x00\x00\x06"  # user 1007
JOIN_CONFIRM = b"\x3e\x00"
DISCONNECT = b"\x21\x80"  # reason: user requested
MCS_CHANNEL = 1003
CLIENT_NETWORK_DATA = b"\x03\xc0"  # the block of the client's data that counts its channels
SERVER_CORE, SERVER_SECURITY, SERVER_NETWORK = 0x0C01, 0x0C02, 0x0C03
RDP_VERSION = 0x00080004
DOMAIN_PARAMETERS = (b"\x22", b"\x03", b"\x00", b"\x01", b"\x00", b"\x01", b"\x00\xff\xf8", b"\x02")


def tpkt(payload: bytes) -> bytes:
    """Version, length and payload: how everything travels over TCP (RFC 1006)."""
    return TPKT.pack(TPKT_VERSION, 0, TPKT.size + len(payload)) + payload


def data(payload: bytes) -> bytes:
    """An MCS message in an X.224 data packet."""
    return tpkt(X224_DATA + payload)


def connection_confirm(*block: int) -> bytes:
    """X.224's "connected", with the negotiation block if there was one in the request."""
    negotiation = NEGOTIATION.pack(*block) if block else b""
    fixed = struct.pack(">BHHB", X224_CONFIRM, 0, SOURCE_REFERENCE, 0)
    return tpkt(bytes([len(fixed) + len(negotiation)]) + fixed + negotiation)


def ber(tag: bytes, value: bytes) -> bytes:
    """Tag, length, value in BER (X.690)."""
    length = bytes([len(value)]) if len(value) < 128 else b"\x82" + struct.pack(">H", len(value))
    return tag + length + value


def per_length(count: int) -> bytes:
    """A length in PER (X.691): one byte below 128, else two with the top bit set."""
    return bytes([count]) if count < 128 else struct.pack(">H", count | 0x8000)


def server_data(channels: int) -> bytes:
    """The server's settings blocks: core, security (none beside TLS), and a number for each channel."""
    padding = channels % 2
    core = struct.pack("<HHII", SERVER_CORE, 12, RDP_VERSION, PROTOCOL_TLS)
    security = struct.pack("<HHII", SERVER_SECURITY, 12, 0, 0)
    numbers = b"".join(struct.pack("<H", MCS_CHANNEL + 1 + channel) for channel in range(channels))
    network = struct.pack("<HHHH", SERVER_NETWORK, 8 + 2 * (channels + padding), MCS_CHANNEL, channels)
    return core + security + network + numbers + bytes(2 * padding)


def connect_response(channels: int) -> bytes:
    """MCS Connect-Response around GCC Conference Create Response around the server's data (T.125, T.124)."""
    blocks = server_data(channels)
    conference = b"\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn" + per_length(len(blocks)) + blocks
    gcc = b"\x00\x05\x00\x14\x7c\x00\x01" + per_length(len(conference)) + conference
    parameters = b"".join(b"\x02" + bytes([len(value)]) + value for value in DOMAIN_PARAMETERS)
    result_and_id = b"\x0a\x01\x00\x02\x01\x00"
    return data(ber(b"\x7f\x66", result_and_id + ber(b"\x30", parameters) + ber(b"\x04", gcc)))


def channels_of(connect_initial: bytes) -> int:
    """How many virtual channels the client wants."""
    at = connect_initial.find(CLIENT_NETWORK_DATA)
    return struct.unpack_from("<I", connect_initial, at + 4)[0] if at >= 0 else 0


async def read_packet(reader: asyncio.StreamReader) -> bytes:
    """The payload of the next TPKT."""
    version, _, length = TPKT.unpack(await reader.readexactly(TPKT.size))
    if version != TPKT_VERSION:
        raise ValueError(f"TPKT version {version}")
    return await reader.readexactly(length - TPKT.size)


def requested_protocols(connection_request: bytes) -> int | None:
    """The security protocols in a connection request, as bits; None: a client from before they were negotiated."""
    if len(connection_request) < NEGOTIATION.size:
        return None
    kind, _, length, protocols = NEGOTIATION.unpack(connection_request[-NEGOTIATION.size :])
    return protocols if (kind, length) == (REQUEST, NEGOTIATION.size) else None


async def negotiate(site: Site, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Agree on TLS and start it; False where the client wants something else."""
    request = await read_packet(reader)
    if len(request) < 2 or request[1] & 0xF0 != X224_REQUEST:
        return False
    protocols = requested_protocols(request)
    if protocols is None:
        writer.write(connection_confirm())
    elif protocols & PROTOCOL_TLS:
        writer.write(connection_confirm(RESPONSE, RESPONSE_FLAGS, NEGOTIATION.size, PROTOCOL_TLS))
        await writer.drain()
        await writer.start_tls(site.tls())
        return True
    else:
        writer.write(connection_confirm(FAILURE, 0, NEGOTIATION.size, TLS_REQUIRED))
    await writer.drain()
    return False


async def set_up_channels(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer MCS messages until the client sends who it is, then disconnect."""
    writer.write(connect_response(channels_of(await read_packet(reader))))
    while True:
        message = (await read_packet(reader))[len(X224_DATA) :]
        kind = message[0] >> 2
        if kind == ATTACH_USER:
            writer.write(data(ATTACH_CONFIRM))
        elif kind == CHANNEL_JOIN:
            user, channel = message[1:3], message[3:5]
            writer.write(data(JOIN_CONFIRM + user + channel + channel))
        elif kind != ERECT_DOMAIN:
            if kind == SEND_DATA:
                writer.write(data(DISCONNECT))
                await writer.drain()
            return
        await writer.drain()


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Go with each client as far as there is something to show."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site.log(f"rdp: a connection from {peer(writer)}")
        if await negotiate(site, reader, writer):
            await set_up_channels(reader, writer)

    return await talk(sock, conversation, site.log)
