"""The conversations that a kernel's firewall remembers, asked over netlink and told as `conntrack -L` tells them.

The program `conntrack` is rarely installed, and /proc/net/nf_conntrack is for the computer's root only; over netlink
whoever may change a network may also ask.  See <linux/netfilter/nfnetlink_conntrack.h>.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

NETLINK_NETFILTER = 12
NLM_F_REQUEST, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 1, 0x300, 2, 3
GET_CONVERSATIONS = 1 << 8 | 1  # subsystem ctnetlink, message GET
HEADER = struct.Struct("=IHHII")  # length, kind, flags, sequence, port
GENERAL = struct.Struct("=BBH")  # address family, version, resource
ATTRIBUTE = struct.Struct("=HH")  # length, kind
KIND_BITS = 0x3FFF  # the others say how it is stored

ORIGINAL, REPLY, STATUS, PROTOCOL_STATE, TIMEOUT = 1, 2, 3, 4, 7
ADDRESSES, PORTS, SOURCE, DESTINATION = 1, 2, 1, 2
PROTOCOL, SOURCE_PORT, DESTINATION_PORT, ICMP_ID, ICMP_TYPE, ICMP_CODE = range(1, 7)
SEEN_REPLY, ASSURED = 1 << 1, 1 << 2
NAMES = {1: "icmp", 6: "tcp", 17: "udp"}
TCP_STATES = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
)  # fmt: skip
MESSAGE_LIMIT = 1 << 16

Attributes = dict[int, bytes]


def conversations() -> str:
    """Every conversation, one a line; OSError where this kernel cannot tell."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as asked:
        asked.bind((0, 0))
        body = GENERAL.pack(socket.AF_INET, 0, 0)
        asked.send(
            HEADER.pack(HEADER.size + len(body), GET_CONVERSATIONS, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body
        )
        return "".join(f"{line(message)}\n" for message in _dump(asked))


def _dump(asked: socket.socket) -> Iterator[bytes]:
    """The attributes of each conversation, undissected."""
    while True:
        data = asked.recv(MESSAGE_LIMIT)
        while data:
            length, kind, _, _, _ = HEADER.unpack_from(data)
            body, data = data[HEADER.size : length], data[_aligned(length) :]
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                number = -struct.unpack_from("=i", body)[0]
                raise OSError(number, "the kernel does not tell its conversations")
            yield body[GENERAL.size :]


def line(message: bytes) -> str:
    """One conversation: protocol, seconds until it is forgotten, state, both directions."""
    told = _attributes(message)
    there, back = _attributes(told[ORIGINAL]), _attributes(told[REPLY])
    protocol = _attributes(there[PORTS])[PROTOCOL][0]
    status = int.from_bytes(told[STATUS])
    words = [NAMES.get(protocol, str(protocol)), str(int.from_bytes(told.get(TIMEOUT, b"")))]
    if PROTOCOL_STATE in told and protocol == socket.IPPROTO_TCP:
        of_tcp = _attributes(_attributes(told[PROTOCOL_STATE])[1])
        words.append(TCP_STATES[of_tcp[1][0]])
    words += _direction(there)
    words += [] if status & SEEN_REPLY else ["[UNREPLIED]"]
    words += _direction(back)
    words += ["[ASSURED]"] if status & ASSURED else []
    return " ".join(words)


def _direction(of: Attributes) -> list[str]:
    addresses, ports = _attributes(of[ADDRESSES]), _attributes(of[PORTS])
    words = [
        f"{name}={socket.inet_ntoa(addresses[kind])}"
        for name, kind in (("src", SOURCE), ("dst", DESTINATION))
    ]
    numbers = {
        "sport": SOURCE_PORT, "dport": DESTINATION_PORT, "type": ICMP_TYPE, "code": ICMP_CODE, "id": ICMP_ID
    }  # fmt: skip
    return words + [
        f"{name}={int.from_bytes(ports[kind])}" for name, kind in numbers.items() if kind in ports
    ]


def _attributes(data: bytes) -> Attributes:
    """Netlink attributes by kind: each has its length and kind in front, and is padded to four bytes."""
    found = {}
    while len(data) >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(data)
        found[kind & KIND_BITS] = data[ATTRIBUTE.size : length]
        data = data[max(_aligned(length), ATTRIBUTE.size) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
