"""What the programs behind UDP ports say: the first answer of each protocol, small but true to its RFC.

A program that does not understand a datagram keeps quiet.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from lab_env.services import ntp
from lab_env.services.dhcp import Leases
from lab_env.topology import DOMAIN, GATEWAY, Service, Topology


class Programs:
    """All programs of the lab that answer datagrams."""

    def __init__(self, topology: Topology) -> None:
        self._names = topology.names()
        self._leases = {
            (address := topology.address(host.name)): Leases(address, topology.address(GATEWAY), DOMAIN)
            for host in topology.hosts
            if any(service.answers == "dhcp" for service in host.services)
        }

    def answer(self, service: Service, address: str, data: bytes, now: float) -> bytes | None:
        """What the service at that address says at a moment (seconds since 1970); None: nothing."""
        match service.answers:
            case "dns":
                return dns(data, self._names)
            case "dhcp":
                return self._leases[address].answer(data)
            case "ntp":
                return next(iter(ntp.answer(data, now)), None)
            case "snmp":
                return snmp(data)
            case "sip":
                return sip(data)
            case "tftp":
                return tftp(data)
        return None


# --- DNS (RFC 1035 section 4) -----------------------------------------------------------------------------

_HEADER = struct.Struct(">6H")
_RESPONSE, _AUTHORITATIVE, _RECURSION_DESIRED = 0x8000, 0x0400, 0x0100
_NO_ERROR, _NO_SUCH_NAME, _REFUSED = 0, 3, 5
_TYPE_A, _CLASS_IN, _NAME_OF_THE_QUESTION = 1, 1, 0xC00C


def dns(query: bytes, names: Mapping[str, str]) -> bytes | None:
    """The address of a name of the lab; names outside are refused, since nothing leaves the lab."""
    if len(query) < _HEADER.size or query[2] & 0x80:
        return None
    identification, flags, questions, *_ = _HEADER.unpack_from(query)
    name, end = _domain_name(query, _HEADER.size)
    if questions != 1 or end + 4 > len(query):
        return None
    question = query[_HEADER.size : end + 4]
    asked = struct.unpack_from(">2H", query, end)
    address = names.get(name)
    if not (name == DOMAIN or name.endswith(f".{DOMAIN}")):
        flags, code = flags & _RECURSION_DESIRED, _REFUSED
    else:
        flags = flags & _RECURSION_DESIRED | _AUTHORITATIVE
        code = _NO_ERROR if address or name == DOMAIN else _NO_SUCH_NAME
    record = b""
    if address and asked == (_TYPE_A, _CLASS_IN):
        data = bytes(int(part) for part in address.split("."))
        record = struct.pack(">3HIH", _NAME_OF_THE_QUESTION, _TYPE_A, _CLASS_IN, 300, len(data)) + data
    header = _HEADER.pack(identification, _RESPONSE | flags | code, 1, int(bool(record)), 0, 0)
    return header + question + record


def _domain_name(message: bytes, at: int) -> tuple[str, int]:
    """The name that begins there, in lower case, and where it ends; beyond the message if it does not end."""
    labels = []
    while at < len(message) and message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("ascii", "replace").lower())
        at += 1 + message[at]
    return ".".join(labels), at + 1


# --- SNMP (RFC 1901, RFC 3416; encoding: BER) -------------------------------------------------------------

_INTEGER, _OCTET_STRING, _OBJECT, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_GET, _GET_NEXT, _GET_RESPONSE, _NO_SUCH_OBJECT = 0xA0, 0xA1, 0xA2, 0x80
_SYS_DESCR = bytes.fromhex("2b06010201010100")  # 1.3.6.1.2.1.1.1.0, without its tag
_DESCRIPTION = b"PortLab gateway"


def snmp(message: bytes) -> bytes | None:
    """The system's description for a request in the community "public"; strangers hear nothing."""
    try:
        [(_, whole)] = _fields(message)
        (_, version), (_, community), (kind, request) = _fields(whole)
        (_, request_id), _, _, (_, bindings) = _fields(request)
        [(_, binding)] = _fields(bindings)
        name = _fields(binding)[0][1]
    except (ValueError, IndexError):
        return None
    if community != b"public" or kind not in (_GET, _GET_NEXT):
        return None
    known = name == _SYS_DESCR or kind == _GET_NEXT
    value = _field(_OCTET_STRING, _DESCRIPTION) if known else _field(_NO_SUCH_OBJECT, b"")
    pair = _field(_OBJECT, _SYS_DESCR if known else name) + value
    no_error = _field(_INTEGER, b"\0")
    answered = _field(_INTEGER, request_id) + no_error * 2 + _field(_SEQUENCE, _field(_SEQUENCE, pair))
    head = _field(_INTEGER, version) + _field(_OCTET_STRING, community)
    return _field(_SEQUENCE, head + _field(_GET_RESPONSE, answered))


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    """The fields that lie in a row: (tag, content) each.  Short lengths only, as these messages have."""
    fields, at = [], 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        if length > 127 or at + 2 + length > len(data):
            raise ValueError("not a small BER message")
        fields.append((tag, data[at + 2 : at + 2 + length]))
        at += 2 + length
    return fields


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


# --- SIP (RFC 3261 section 11.2) and TFTP (RFC 1350 section 5) --------------------------------------------


def sip(request: bytes) -> bytes | None:
    """200 OK to OPTIONS, repeating the headers that a response must repeat (RFC 3261 section 8.2.6.2)."""
    first, *headers = request.decode("utf-8", "replace").split("\r\n")
    if not (first.startswith("OPTIONS ") and first.endswith(" SIP/2.0")):
        return None
    repeated = [h for h in headers if h.partition(":")[0].lower() in ("via", "from", "call-id", "cseq")]
    to = [f"{h};tag=voip" for h in headers if h.lower().startswith("to:")]
    own = ["Allow: INVITE, ACK, CANCEL, BYE, OPTIONS", "Content-Length: 0", "", ""]
    return "\r\n".join(["SIP/2.0 200 OK", *repeated, *to, *own]).encode()


def tftp(request: bytes) -> bytes | None:
    """The first block of a small file; an error to a wish to write."""
    if len(request) < 4 or request[0] != 0:
        return None
    if request[1] == 1:  # read request: DATA, block 1, less than 512 bytes and so the last
        return struct.pack(">2H", 3, 1) + b"Welcome to the files of the lab.\n"
    return struct.pack(">2H", 5, 2) + b"Access violation\0"
