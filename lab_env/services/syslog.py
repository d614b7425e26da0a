"""Syslog, 514/udp: takes messages and never answers (RFC 3164, RFC 5424)."""

from __future__ import annotations

import re
import socket

from lab_env.services.listening import Address, Stop, answer_datagrams
from lab_env.services.site import Site

PRIORITY = re.compile(rb"<(\d{1,3})>(.*)", re.DOTALL)
DEFAULT_PRIORITY = 13  # facility user, severity notice: what RFC 3164, section 4.3.3 says to assume
SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")


def describe(message: bytes) -> str:
    """A syslog datagram in words: facility = priority // 8, severity = priority % 8 (RFC 5424, section 6.2.1)."""
    found = PRIORITY.match(message)
    priority, text = (int(found[1]), found[2]) if found else (DEFAULT_PRIORITY, message)
    readable = text.decode("utf-8", "replace").strip()
    return f"facility {priority >> 3}, {SEVERITIES[priority & 7]}: {readable}"


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Write every message into the host's log."""

    def take(data: bytes, sender: Address) -> list[bytes]:
        site.log(f"syslog: from {sender[0]}, {describe(data)}")
        return []

    return await answer_datagrams(sock, take, site.log)
