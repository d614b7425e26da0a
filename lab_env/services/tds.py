"""Tabular Data Stream, the language of SQL Server: packets and the tokens of its answers ([MS-TDS])."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = struct.Struct(">BBHHBB")  # type, status, length, process, packet number, window
# packet types, section 2.2.3.1.1
BATCH, RPC, REPLY, ATTENTION, LOGIN, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x10, 0x12
LAST = 1  # status: the end of a message
PACKET_SIZE = 4096

# PRELOGIN options, section 2.2.6.5
VERSION_OPTION, ENCRYPTION_OPTION, INSTANCE_OPTION, THREAD_OPTION, TERMINATOR = 0, 1, 2, 3, 0xFF
ENCRYPT_LOGIN, ENCRYPT_ALL, ENCRYPT_NOTHING, ENCRYPT_REQUIRED = 0, 1, 2, 3
PRODUCT_VERSION = b"\x0f\x00\x07\xd0\x00\x00"  # 15.0.2000: SQL Server 2019
TDS_7_4, TDS_7_1 = b"\x74\x00\x00\x04", b"\x71\x00\x00\x01"  # what a LOGINACK calls the versions
TDS_7_2 = 0x72090002  # from here on some numbers in the tokens are wider

# tokens, section 2.2.7
COLMETADATA, ERROR, INFO, LOGINACK, ROW, ENVCHANGE, DONE = 0x81, 0xAA, 0xAB, 0xAD, 0xD1, 0xE3, 0xFD
DONE_ERROR, DONE_COUNT, DONE_ATTENTION = 0x02, 0x10, 0x20
DATABASE_CHANGED, PACKET_SIZE_CHANGED = 1, 4  # kinds of ENVCHANGE
NVARCHAR, COLLATION = 0xE7, b"\x09\x04\xd0\x00\x34"
SELECT_COMMAND = 0xC1
SERVER_NAME = "PORTLAB"

# LOGIN7, section 2.2.6.4: where the fixed part tells offset and length of each text
VERSION_AT, USER_AT, PASSWORD_AT, DATABASE_AT = 4, 40, 44, 68


def packets(kind: int, message: bytes) -> list[bytes]:
    """A message cut into packets."""
    size = PACKET_SIZE - HEADER.size
    parts = [message[start : start + size] for start in range(0, len(message) or 1, size)]
    statuses = [0] * (len(parts) - 1) + [LAST]
    return [
        HEADER.pack(kind, status, HEADER.size + len(part), 0, 1, 0) + part
        for status, part in zip(statuses, parts, strict=True)
    ]


def short_text(text: str) -> bytes:
    """B_VARCHAR: one byte of length in characters, then UTF-16."""
    return bytes([len(text)]) + text.encode("utf-16-le")


def long_text(text: str) -> bytes:
    """US_VARCHAR: two bytes of length in characters, then UTF-16."""
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def token(kind: int, body: bytes) -> bytes:
    """A token with its length."""
    return struct.pack("<BH", kind, len(body)) + body


def changed(kind: int, new: str, old: str) -> bytes:
    """ENVCHANGE: something about the session is different now."""
    return token(ENVCHANGE, bytes([kind]) + short_text(new) + short_text(old))


@dataclass(frozen=True)
class Dialect:
    """The tokens that differ between versions: up to 7.1 some numbers are half as wide."""

    wide: bool

    def done(self, status: int = 0, rows: int = 0) -> bytes:
        """The end of an answer."""
        command = SELECT_COMMAND if status & DONE_COUNT else 0
        return struct.pack("<BHHQ" if self.wide else "<BHHI", DONE, status, command, rows)

    def message(self, kind: int, number: int, severity: int, text: str) -> bytes:
        """An ERROR or INFO, on line 1 of no procedure."""
        numbers = struct.pack("<IBB", number, 1, severity)
        place = short_text(SERVER_NAME) + short_text("") + struct.pack("<I" if self.wide else "<H", 1)
        return token(kind, numbers + long_text(text) + place)

    def failure(self, number: int, severity: int, text: str) -> bytes:
        """An error and the end of the answer."""
        return self.message(ERROR, number, severity, text) + self.done(DONE_ERROR)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
        """A result: every column text, every row, the end."""
        answer = struct.pack("<BH", COLMETADATA, len(columns))
        for column in columns:
            answer += struct.pack("<IHBH" if self.wide else "<HHBH", 0, 9, NVARCHAR, 8000)
            answer += COLLATION + short_text(column)
        for row in rows:
            answer += bytes([ROW])
            for value in row:
                encoded = value.encode("utf-16-le")
                answer += struct.pack("<H", len(encoded)) + encoded
        return answer + self.done(DONE_COUNT, len(rows))

    def login_acknowledged(self) -> bytes:
        """LOGINACK: who answers, in which version."""
        program = short_text("Microsoft SQL Server") + PRODUCT_VERSION[:4]
        return token(LOGINACK, b"\x01" + (TDS_7_4 if self.wide else TDS_7_1) + program)

    def batch_text(self, body: bytes) -> str:
        """The SQL of a batch; since 7.2 headers come before it (section 2.2.5.3)."""
        headers = int.from_bytes(body[:4], "little") if self.wide else 0
        return body[headers:].decode("utf-16-le")


def prelogin(encryption: int) -> bytes:
    """The server's PRELOGIN: its version and whether the login is encrypted."""
    options = {
        VERSION_OPTION: PRODUCT_VERSION,
        ENCRYPTION_OPTION: bytes([encryption]),
        INSTANCE_OPTION: b"\0",
        THREAD_OPTION: b"",
    }
    offset = 5 * len(options) + 1
    index, values = b"", b""
    for option, value in options.items():
        index += struct.pack(">BHH", option, offset + len(values), len(value))
        values += value
    return index + bytes([TERMINATOR]) + values


def prelogin_options(body: bytes) -> dict[int, bytes]:
    """A client's PRELOGIN as a dictionary: option -> value."""
    options: dict[int, bytes] = {}
    position = 0
    while body[position] != TERMINATOR:
        option, offset, length = struct.unpack_from(">BHH", body, position)
        options[option] = body[offset : offset + length]
        position += 5
    return options


def dialect_of(login: bytes) -> Dialect:
    """The dialect a LOGIN7 asks for."""
    (version,) = struct.unpack_from("<I", login, VERSION_AT)
    return Dialect(wide=version >= TDS_7_2)


def login_fields(body: bytes) -> tuple[str, str, str]:
    """User, password and database of a LOGIN7."""

    def field(at: int) -> bytes:
        offset, length = struct.unpack_from("<HH", body, at)
        return body[offset : offset + 2 * length]

    return (
        field(USER_AT).decode("utf-16-le"),
        clear_password(field(PASSWORD_AT)).decode("utf-16-le", "replace"),
        field(DATABASE_AT).decode("utf-16-le"),
    )


def clear_password(obscured: bytes) -> bytes:
    """A LOGIN7 password is no secret: each byte is XORed with A5 and has its halves swapped."""
    plain = (byte ^ 0xA5 for byte in obscured)
    return bytes((byte << 4 & 0xF0) | byte >> 4 for byte in plain)
