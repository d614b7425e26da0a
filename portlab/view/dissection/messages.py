"""What a packet carries, field by field: DNS, DHCP, NTP, SNMP, what else Scapy can take apart; or just text."""

from __future__ import annotations

from typing import Any

from portlab.view.dissection.fields import Reader, printable

MOST_VALUE = 200  # characters of one value

WORDS: dict[str, tuple[str, str]] = {
    # DNS, RFC 1035 section 4.1
    "DNS.id": ("Identifier", "the answer carries the same number"),
    "DNS.qr": ("QR", "0: a query, 1: a response"),
    "DNS.opcode": ("Opcode", "what kind of query"),
    "DNS.aa": ("AA", "1: the server speaks for this zone itself"),
    "DNS.tc": ("TC", "1: cut short; ask again over TCP"),
    "DNS.rd": ("RD", "1: recursion desired, ask on for me"),
    "DNS.ra": ("RA", "1: recursion available"),
    "DNS.z": ("Z", "must be 0"),
    "DNS.ad": ("AD", "1: checked by DNSSEC"),
    "DNS.cd": ("CD", "1: checking is not wanted"),
    "DNS.rcode": ("RCODE", "how it went"),
    "DNS.qdcount": ("QDCOUNT", "how many questions"),
    "DNS.ancount": ("ANCOUNT", "how many answers"),
    "DNS.nscount": ("NSCOUNT", "how many name servers"),
    "DNS.arcount": ("ARCOUNT", "how many additional records"),
    "qname": ("QNAME", "the name that is asked for"),
    "qtype": ("QTYPE", "what is asked about it"),
    "qclass": ("QCLASS", "IN: the Internet"),
    "rrname": ("NAME", "what this record is about"),
    "type": ("TYPE", "what kind of record"),
    "rclass": ("CLASS", "IN: the Internet"),
    "rdata": ("RDATA", "the answer"),
    "rdlen": ("RDLENGTH", "bytes of the answer"),
    "ttl": ("TTL", "seconds for which the answer may be kept"),
    # TLS, RFC 8446 section 4.1.2
    "msgtype": ("Handshake type", "1: ClientHello, 2: ServerHello"),
    "msglen": ("Length", "bytes of this message"),
    "version": ("Version", "kept for older middleboxes; see supported_versions"),
    "gmt_unix_time": ("Random, first 4 bytes", "once a clock, now chance"),
    "random_bytes": ("Random, 28 bytes", "goes into the keys, so that none is used twice"),
    "sidlen": ("Session ID length", ""),
    "sid": ("Session ID", "kept for older middleboxes"),
    "cipherslen": ("Cipher suites length", "two bytes each"),
    "ciphers": ("Cipher suites", "what the client can encrypt with, the best first"),
    "cipher": ("Cipher suite", "the server's choice"),
    "complen": ("Compression length", ""),
    "comp": ("Compression", "null: none"),
    "extlen": ("Extensions length", ""),
    # SNMP, RFC 3416; it has no fields of fixed places
    "SNMP": ("Message", "the community is as good as a password, and is read by everybody who listens"),
    "TLS_Ext_ServerName": ("Extension: server_name", "in clear: who listens reads which site is wanted"),
    "TLS_Ext_ALPN": ("Extension: ALPN", "which protocol shall be spoken inside"),
    "TLS_Ext_SupportedVersion_CH": ("Extension: supported_versions", "the versions that really are offered"),
    "TLS_Ext_SupportedVersion_SH": (
        "Extension: supported_versions",
        "the version that is spoken from here on",
    ),
    "TLS_Ext_SupportedGroups": ("Extension: supported_groups", "curves and groups for the keys' agreement"),
    "TLS_Ext_SignatureAlgorithms": ("Extension: signature_algorithms", "how certificates may be signed"),
    "TLS_Ext_KeyShare_CH": ("Extension: key_share", "the client's public half of the keys' agreement"),
    "TLS_Ext_KeyShare_SH": ("Extension: key_share", "the server's public half: now both can make the keys"),
}
"""Scapy's name of a field (with its packet's before it where it is needed) -> the RFC's name, and what it is for."""

FIRST_BITS = ("unicastresponse", "cacheflush")
"""Multicast DNS has a use for the first bit of a class; here it belongs to the class."""
AS_BYTES = ("gmt_unix_time", "random_bytes", "sid")

TELLING = (
    "servernames",
    "protocols",
    "versions",
    "version",
    "groups",
    "sig_algs",
    "client_shares",
    "server_share",
)
"""Of an extension of TLS: the part that is shown for all of it."""


def load() -> None:
    """Have Scapy know the protocols of the lab, each by its port."""
    import scapy.layers.dhcp
    import scapy.layers.dns
    import scapy.layers.inet
    import scapy.layers.ntp
    import scapy.layers.snmp
    import scapy.layers.tftp  # noqa: F401  # importing it is what makes it known


def payload(read: Reader) -> None:
    """Bytes that nothing here takes apart: as text where they are text."""
    data = read.data
    size = f"{len(data):,} byte{'' if len(data) == 1 else 's'}"
    written = (
        "text" if sum(byte in b"\r\n\t" or 32 <= byte < 127 for byte in data) > 0.9 * len(data) else "bytes"
    )
    value = printable(data) if written == "text" else data.hex(" ")
    read.block("Data", "data", len(data) * 8, _short(value), f"{size} of {written}, as the program gave them")


def message(read: Reader, packet: Any) -> None:
    """A message that Scapy took apart; where its fields cannot be placed they become one."""
    take_apart(read, packet)
    if not read.fields:
        name, meaning = WORDS.get(type(packet).__name__, (packet.name, ""))
        parts = [f"{part} {_plain(value)}" for part, value in packet.fields.items()]
        read.block(name, _abbreviated(name), read.left, _short(", ".join(parts)), meaning)
    read.rest("Rest", "not taken apart")


def take_apart(read: Reader, packet: Any) -> None:
    """The packet's fields from here on; none of them where Scapy stumbles over the bytes."""
    before, place = len(read.fields), read.bit
    try:
        _walk(read, packet, read.raw[read.bit // 8 : read.end])
    except Exception:  # bytes can be anything; they are shown all the same
        fits = False
    else:
        fits = read.bit <= read.end * 8
    if not fits:
        del read.fields[before:]
        read.bit = place


def _walk(read: Reader, packet: Any, data: bytes) -> None:
    """Fields in order, as Scapy reads them from the bytes: that tells how many bits each takes."""
    again = _blank(packet)
    left: Any = again.pre_dissect(data)
    before = 0
    for description in packet.fields_desc:
        bits = _bits(left) + before
        left, value = description.getfield(again, left)
        bits -= _bits(left)
        if value is not None:
            again.fields[description.name] = value
        before = bits if description.name in FIRST_BITS else 0
        if not bits or before or value is None:
            continue
        inner = packet.getfieldval(description.name)
        if isinstance(inner, list) and inner and hasattr(inner[0], "fields_desc"):
            _nested(read, inner, bits)
        else:
            name, meaning = _words(packet, description.name)
            shown = value if isinstance(value, bytes) else description.i2repr(again, value)
            if description.name in AS_BYTES:
                shown = read.raw[read.bit // 8 : (read.bit + bits) // 8]
            read.block(name, _abbreviated(name), bits, _short(_plain(shown)), meaning)
        if not left:
            break


def _nested(read: Reader, packets: list[Any], bits: int) -> None:
    """Packets in a list, such as the records of a DNS answer; an extension of TLS is one field."""
    end = read.bit + bits
    for packet in packets:
        at = read.bit // 8
        if type(packet).__name__.startswith("TLS_Ext"):
            name, meaning = _words(packet, "")
            size = int.from_bytes(read.raw[at + 2 : at + 4], "big") + 4
            read.block(name, _abbreviated(name), size * 8, _short(_telling(packet)), meaning)
        else:
            _walk(read, packet, read.raw[at : end // 8])
    if end > read.bit:
        read.block("Rest", "rest", end - read.bit, printable(read.raw[read.bit // 8 : end // 8]))


def _blank(packet: Any) -> Any:
    """A packet of the same kind with nothing read yet, that can find what the bytes point back to."""
    kept = {name: getattr(packet, name) for name in ("_orig_s", "_orig_p") if hasattr(packet, name)}
    again = type(packet)(**kept)
    again.fields = {}
    again.underlayer, again.parent = packet.underlayer, packet.parent
    return again


def _bits(left: Any) -> int:
    """Bits that were not read yet: Scapy hands on bytes, or bytes and the bits already taken of the first."""
    return len(left[0]) * 8 - left[1] if isinstance(left, tuple) else len(left) * 8


def _words(packet: Any, field: str) -> tuple[str, str]:
    kind = type(packet).__name__
    for key in (f"{kind}.{field}", field or kind):
        if key in WORDS:
            return WORDS[key]
    return (field or kind.removeprefix("TLS_Ext_").join(("Extension: ", ""))).replace("_", " "), ""


def _abbreviated(name: str) -> str:
    return name.removeprefix("Extension: ").lower() if len(name) > 8 else name


def _telling(extension: Any) -> str:
    """The part of an extension that says the most."""
    name = next((name for name in TELLING if name in extension.fields), None)
    if name is None:
        return "present"
    value = extension.getfieldval(name)
    if isinstance(value, list) and value and hasattr(value[0], "fields_desc"):
        return ", ".join(_most_telling(each) for each in value)
    return _plain(extension.get_field(name).i2repr(extension, value))


def _most_telling(part: Any) -> str:
    """Of an entry in an extension: the name, or the group of a key."""
    name = next(name for name in ("servername", "protocol", "group", *part.fields) if name in part.fields)
    value = part.getfieldval(name)
    return _plain(value if isinstance(value, bytes) else part.get_field(name).i2repr(part, value))


def _plain(value: Any) -> str:
    """A value as a person would write it: text as it is, other bytes in hexadecimal."""
    value = getattr(value, "val", value)  # ASN.1 wraps its values
    if isinstance(value, bytes):
        return (
            value.decode("ascii")
            if value.isascii() and value.decode("ascii").isprintable()
            else value.hex(" ")
        )
    if hasattr(value, "fields_desc"):
        return str(value.name)
    return str(value).strip("'[]")


def _short(text: str) -> str:
    return text if len(text) <= MOST_VALUE else f"{text[:MOST_VALUE]} …"
