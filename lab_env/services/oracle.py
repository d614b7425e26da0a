"""Oracle TNS listener, 1521/tcp, with no database behind it: it tells its version and knows no service.

Own code: there is no library for it.  What the listener says is what such listeners answer on the wire; the
layout of its packets is Oracle's own and unpublished, known from Wireshark's dissector.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct

from lab_env.services.listening import Stop, peer, talk
from lab_env.services.site import Site

HEADER = struct.Struct(">HHBBH")  # length, checksum, type, flags, header checksum
CONNECT, ACCEPT, REFUSE, DATA = 1, 2, 4, 6  # packet types
CONNECT_DATA_AT = 24  # where a CONNECT tells the length and offset of its connect data
DATA_FLAGS = struct.Struct(">H")
END_OF_FILE = 0x40  # the flag of the last DATA packet
# version, options, unit sizes, byte order, data length and offset, flags
ACCEPTED = struct.Struct(">HHHHHHHBB8x")
VERSION = 0x13000000  # 19.0.0.0.0
BANNER = (
    b"TNSLSNR for Linux: Version 19.0.0.0.0 - Production\n\tTNS for Linux: Version 19.0.0.0.0 - Production"
)
# TNS- error numbers
NO_SERVICE_GIVEN, UNKNOWN_SERVICE, UNKNOWN_SID, NOT_ALLOWED = 12504, 12514, 12505, 1189

COMMAND = re.compile(r"COMMAND=(\w+)")
DATABASE = re.compile(r"(SERVICE_NAME|SID)=([^)]*)")


def packet(kind: int, body: bytes) -> bytes:
    """One TNS packet."""
    return HEADER.pack(HEADER.size + len(body), 0, kind, 0, 0) + body


def refusal(error: int) -> bytes:
    """Say no, with the number of an error; number 0 is how a listener says that it is alive."""
    stack = f"(ERROR_STACK=(ERROR=(CODE={error})(EMFI=4)))" if error else "(ALIAS=LISTENER)"
    text = f"(DESCRIPTION=(TMP=)(VSNNUM={VERSION})(ERR={error}){stack})".encode()
    return packet(REFUSE, struct.pack(">BBH", 0x22, 0, len(text)) + text)


def version_report() -> bytes:
    """The answer to COMMAND=VERSION: accepted, then two DATA packets of text and an empty last one."""
    accept = packet(ACCEPT, ACCEPTED.pack(310, 0, 2048, 32767, 1, 0, 32, 0, 0))
    text = b"(DESCRIPTION=(TMP=)(VSNNUM=%d)(ERR=0))" % VERSION
    lines = [packet(DATA, DATA_FLAGS.pack(0) + line) for line in (text, BANNER)]
    return accept + b"".join(lines) + packet(DATA, DATA_FLAGS.pack(END_OF_FILE))


def answer(connect_data: str) -> bytes:
    """What the listener says to a connect string such as "(CONNECT_DATA=(COMMAND=version))"."""
    wanted = connect_data.upper().replace(" ", "")
    command, database = COMMAND.search(wanted), DATABASE.search(wanted)
    if command and command[1] == "VERSION":
        return version_report()
    if command:
        return refusal(0 if command[1] == "PING" else NOT_ALLOWED)
    if not database:
        return refusal(NO_SERVICE_GIVEN)
    return refusal(UNKNOWN_SERVICE if database[1] == "SERVICE_NAME" else UNKNOWN_SID)


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Type and bytes (header included) of the next packet."""
    header = await reader.readexactly(HEADER.size)
    length, _, kind, _, _ = HEADER.unpack(header)
    return kind, header + await reader.readexactly(length - HEADER.size)


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Answer one connect packet of each client."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind, connect = await read_packet(reader)
        if kind != CONNECT:
            return
        length, offset = struct.unpack_from(">HH", connect, CONNECT_DATA_AT)
        data = connect[offset : offset + length]
        if len(data) < length:  # long connect data follows in a DATA packet
            _, following = await read_packet(reader)
            data = following[HEADER.size + DATA_FLAGS.size :]
        text = data.decode("latin-1")
        site.log(f"oracle: {peer(writer)} asks {text}")
        writer.write(answer(text))
        await writer.drain()

    return await talk(sock, conversation, site.log)
