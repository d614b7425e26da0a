"""NTP, 123/udp: tells the time to clients (RFC 5905, figure 8 and section 7.3)."""

from __future__ import annotations

import socket
import struct
import time

from lab_env.services.listening import Address, Stop, answer_datagrams
from lab_env.services.site import Site

UNIX_EPOCH = 2_208_988_800  # 1970 in seconds since 1900, where NTP begins to count
PACKET = struct.Struct("!BBbb II4s 8s8s8s8s")
CLIENT, SERVER = 3, 4  # association modes; 6 and 7 (control, monlist) are not served
STRATUM = 2  # one step from a reference clock
PRECISION = -20  # log2 seconds: about a microsecond
ROOT_DELAY, ROOT_DISPERSION = 0x100, 0x200  # 16.16 fixed point: 4 ms and 8 ms
REFERENCE = b"\x7f\x7f\x01\x01"  # 127.127.1.1, the local clock
SINCE_UPDATE = 16.0  # seconds since our own clock was set


def timestamp(seconds: float) -> bytes:
    """Unix time as an NTP timestamp: 32 bits of seconds since 1900, 32 bits of fraction."""
    since_1900 = seconds + UNIX_EPOCH
    return struct.pack("!II", int(since_1900), int(since_1900 % 1 * 2**32))


def answer(request: bytes, now: float) -> list[bytes]:
    """The answer to a client's packet; none to anything else."""
    if len(request) < PACKET.size:
        return []
    version, mode = request[0] >> 3 & 7, request[0] & 7
    if mode != CLIENT:
        return []
    poll = request[2] if request[2] < 128 else 6
    originate = request[40:48]  # the client's transmit time comes back, so that it knows its own question
    received = sent = timestamp(now)
    packet = PACKET.pack(
        *(version << 3 | SERVER, STRATUM, poll, PRECISION, ROOT_DELAY, ROOT_DISPERSION, REFERENCE),
        *(timestamp(now - SINCE_UPDATE), originate, received, sent),
    )
    return [packet]


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Answer with this computer's clock."""

    def reply(data: bytes, sender: Address) -> list[bytes]:
        site.log(f"ntp: {sender[0]} asked for the time")
        return answer(data, time.time())

    return await answer_datagrams(sock, reply, site.log)
