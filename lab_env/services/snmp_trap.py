"""SNMP trap receiver, 162/udp: devices report to it unasked, and it never answers (RFC 1157,
section 4.1.6; RFC 3416, section 4.2.6).
"""

from __future__ import annotations

import socket
from typing import Any

from pyasn1.codec.ber import decoder  # type: ignore[import-untyped]  # pyasn1 has no types
from pysnmp.proto import api

from lab_env.services.listening import Address, Stop, answer_datagrams
from lab_env.services.site import Site


def describe(message: bytes) -> str:
    """A v1 or v2c trap in words: the community and what it reports."""
    version = api.decodeMessageVersion(message)
    protocol: Any = api.PROTOCOL_MODULES.get(int(version))
    if protocol is None:
        return f"a message of SNMP version number {int(version)}, not read"
    decoded, _ = decoder.decode(message, asn1Spec=protocol.Message())
    pdu = protocol.apiMessage.get_pdu(decoded)
    reporter = protocol.apiTrapPDU
    bindings = reporter.get_varbinds(pdu) if isinstance(pdu, protocol.TrapPDU) else []
    reports = ", ".join(f"{name.prettyPrint()} = {value.prettyPrint()}" for name, value in bindings)
    community = protocol.apiMessage.get_community(decoded).prettyPrint()
    return f"{type(pdu).__name__} with community {community}: {reports}"


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Write every trap into the host's log."""

    def take(data: bytes, sender: Address) -> list[bytes]:
        site.log(f"snmp-trap: from {sender[0]}, {describe(data)}")
        return []

    return await answer_datagrams(sock, take, site.log)
