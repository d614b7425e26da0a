"""What a UDP probe carries.  Many programs are silent to an empty datagram, so some ports get a proper
question.

Each payload is a small, complete and harmless message of its protocol, written here from its RFC.
"""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray

from portlab.errors import BadTarget, quoted

# DNS (RFC 1035 section 4.1): identification 0x504C, recursion desired, one question: NS records of the root.
DNS = struct.pack(">6H", 0x504C, 0x0100, 1, 0, 0, 0) + b"\x00" + struct.pack(">2H", 2, 1)

# DHCP (RFC 2131 section 3.4): an INFORM asks for settings and reserves nothing.  The client's address, which belongs
# into it, differs from scan to scan; a server answers the sender all the same, but not where the field is empty.
DHCP = (
    struct.pack(">4BIHH", 1, 1, 6, 0, 0x504F5254, 0, 0)
    + bytes([255] * 4)  # client address
    + bytes(12)  # your, server and relay address: none
    + bytes.fromhex("020000504c01").ljust(16, b"\0")  # a locally administered hardware address
    + bytes(64 + 128)  # server name and boot file: none
    + bytes.fromhex("63825363")  # the magic cookie of RFC 2132 section 2
    + bytes([53, 1, 8])  # option 53, DHCP message type: 8 = INFORM
    + bytes([55, 3, 1, 3, 6])  # option 55, parameters asked for: mask, router, name server
    + bytes([255])
)

# NTP (RFC 5905 section 7.3): leap indicator 0, version 4, mode 3 (client); everything else zero.
NTP = bytes([0 << 6 | 4 << 3 | 3]) + bytes(47)

# SNMP (RFC 1901, RFC 3416): v2c GetRequest of sysDescr.0 in the community "public", in BER.
SNMP = bytes.fromhex(
    "30290201010406" + b"public".hex() + "a01c0204504c4142020100020100300e300c06082b060102010101000500"
)

# SIP (RFC 3261 section 11): OPTIONS asks what a server can do.
SIP = (
    b"OPTIONS sip:portlab@lab SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP portlab.lab;branch=z9hG4bKportlab;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: <sip:portlab@lab>;tag=portlab\r\n"
    b"To: <sip:portlab@lab>\r\n"
    b"Call-ID: portlab@lab\r\n"
    b"CSeq: 1 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)

# TFTP (RFC 1350 section 5): read request for a small file.
TFTP = b"\x00\x01readme.txt\x00octet\x00"

PAYLOADS: dict[str, bytes] = {
    "empty": b"",
    "dns": DNS,
    "dhcp": DHCP,
    "ntp": NTP,
    "snmp": SNMP,
    "sip": SIP,
    "tftp": TFTP,
}
"""Name -> bytes.  The place in this table is the code in the probes table."""

CODES = {name: code for code, name in enumerate(PAYLOADS)}
BY_PORT = {53: "dns", 67: "dhcp", 123: "ntp", 161: "snmp"}
"""The payload a port gets when none is named; every other port gets an empty datagram."""


def choose(ports: NDArray[np.uint16], name: str | None) -> NDArray[np.uint8]:
    """The payload code for each port: the one named, or the port's own."""
    if name is not None:
        if not isinstance(name, str) or name not in CODES:
            raise BadTarget(f"There is no payload {quoted(name)}. PortLab knows {', '.join(PAYLOADS)}.")
        return np.full(len(ports), CODES[name], np.uint8)
    codes = np.zeros(len(ports), np.uint8)
    for port, own in BY_PORT.items():
        codes[ports == port] = CODES[own]
    return codes


@cache
def _padded() -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    size = max(len(payload) for payload in PAYLOADS.values())
    data = np.zeros((len(PAYLOADS), size), np.uint8)
    for row, payload in zip(data, PAYLOADS.values(), strict=True):
        row[: len(payload)] = np.frombuffer(payload, np.uint8)
    return data, np.array([len(payload) for payload in PAYLOADS.values()], np.uint16)


def table(codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The payload bytes of each code, padded with zeros to the longest among them, and their lengths."""
    data, length = _padded()
    longest = int(length[codes].max(initial=0))
    return data[codes, :longest] if longest else np.zeros((len(codes), 0), np.uint8), length[codes]
