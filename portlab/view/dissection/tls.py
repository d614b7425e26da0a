"""TLS record by record: a hello's fields, taken apart by Scapy; what is encrypted stays so (RFC 8446)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portlab.view.dissection.fields import Reader, hexadecimal
from portlab.view.dissection.messages import take_apart

HANDSHAKE = 22
HELLOS = CLIENT_HELLO, SERVER_HELLO = 1, 2
TLS_TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}
CONTENTS = {
    HANDSHAKE: "a message of the handshake; after the hellos of TLS 1.3 they are encrypted",
    23: "encrypted: who listens sees how much is said, not what",
}


def looks_like_tls(data: bytes) -> bool:
    """Whether bytes begin with a record of TLS (RFC 8446 section 5.1)."""
    return len(data) >= 5 and data[0] in TLS_TYPES and data[1] == 3 and data[2] <= 4


def tls_records(data: bytes) -> Iterator[bytes]:
    """The records in the bytes; the last may be cut off by the segment's end."""
    while looks_like_tls(data):
        size = 5 + int.from_bytes(data[3:5], "big")
        yield data[:size]
        data = data[size:]
    if data:
        yield data


def tls(read: Reader) -> None:
    """One record of TLS: its header, and a hello's fields; what is encrypted stays so."""
    if not looks_like_tls(read.data):
        read.rest("Data", "no record begins here")
        return
    kind = read.take("Content type", "type", 8, str, lambda v: TLS_TYPES[v])
    read.take("Legacy version", "version", 16, hexadecimal(4), "kept for older middleboxes")
    size = read.take("Length", "length", 16, str, lambda v: f"{v:,} bytes follow in this record")
    whole = read.left >= size * 8
    if kind == HANDSHAKE and whole and read.left >= 32 and read.peek(8) in HELLOS:
        packet = _hello(read.data[5:])
        if packet is not None:
            take_apart(read, packet)
    read.rest("Content", CONTENTS.get(kind, ""))


def _hello(data: bytes) -> Any:
    """A hello taken apart by Scapy; None where it cannot (its TLS needs a library of its own)."""
    try:
        from scapy.layers.tls.all import TLSClientHello, TLSServerHello

        return (TLSClientHello if data[0] == CLIENT_HELLO else TLSServerHello)(data)
    except Exception:  # no cryptography on this machine, or bytes that are no hello
        return None


def tls_layers(raw: bytes, begin: int, end: int) -> Iterator[Reader]:
    """A reader for each record of TLS in these bytes."""
    for record in tls_records(raw[begin:end]):
        read = Reader(raw, begin, begin + len(record))
        tls(read)
        yield read
        begin += len(record)
