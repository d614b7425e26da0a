"""Fields and layers: which bits of a frame say what, in plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Show = Callable[[int], str]
Meaning = str | Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name and a short one, where it lies (in bits from the frame's beginning), value and meaning."""

    name: str
    short: str
    bit: int
    bits: int
    value: str
    meaning: str = ""

    @property
    def first(self) -> int:
        """Its first byte."""
        return self.bit // 8

    @property
    def last(self) -> int:
        """Its last byte."""
        return (self.bit + self.bits - 1) // 8

    @property
    def where(self) -> str:
        """Which bytes it is, and where it is no whole bytes, which bits: "byte 47, bits 0–3"."""
        place = f"byte {self.first}" if self.first == self.last else f"bytes {self.first}–{self.last}"
        if self.bits % 8 == 0 and self.bit % 8 == 0:
            return place
        begin, end = self.bit % 8, self.bit % 8 + self.bits - 1
        if self.bits == 1:
            return f"{place}, bit {begin}"
        return f"{place}, bits {begin}–{end}"


@dataclass(frozen=True, slots=True)
class Layer:
    """One header or message: `hue` names its colour; its first `words` bytes are drawn in rows of 32 bits.

    `quoted` marks the packet that an ICMP error quotes.
    """

    name: str
    hue: str
    fields: tuple[Field, ...]
    words: int
    quoted: bool = False

    @property
    def begin(self) -> int:
        """Its first byte."""
        return self.fields[0].first

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.fields[-1].last - self.begin + 1


@dataclass(slots=True)
class Reader:
    """Takes field after field from bytes; `begin` and `end` are the bytes of the layer."""

    raw: bytes
    begin: int
    end: int
    fields: list[Field] = field(default_factory=list)
    bit: int = -1

    def __post_init__(self) -> None:
        self.bit = self.begin * 8

    @property
    def left(self) -> int:
        """Bits that were not taken yet."""
        return self.end * 8 - self.bit

    @property
    def data(self) -> bytes:
        """All bytes of the layer."""
        return self.raw[self.begin : self.end]

    def peek(self, bits: int) -> int:
        """The number that the next bits are."""
        first, last = self.bit // 8, (self.bit + bits + 7) // 8
        number = int.from_bytes(self.raw[first:last], "big")
        return number >> (last * 8 - self.bit - bits) & ((1 << bits) - 1)

    def take(self, name: str, short: str, bits: int, show: Show = str, meaning: Meaning = "") -> int:
        """The next field as a number; where the bytes end before it, 0 and no field."""
        if bits > self.left:
            self.rest()
            return 0
        number = self.peek(bits)
        told = meaning(number) if callable(meaning) else meaning
        self.fields.append(Field(name, short, self.bit, bits, show(number), told))
        self.bit += bits
        return number

    def block(self, name: str, short: str, bits: int, value: str, meaning: str = "") -> None:
        """The next bits as one field that is no number."""
        if bits:
            self.fields.append(Field(name, short, self.bit, bits, value, meaning))
            self.bit += bits

    def rest(self, name: str = "Rest", meaning: str = "cut off before the field's end") -> None:
        """All bits that are left as one field."""
        if self.left > 0:
            self.block(name, name.lower(), self.left, printable(self.raw[self.bit // 8 : self.end]), meaning)


def printable(data: bytes) -> str:
    """Bytes as text, a dot for what is no printable ASCII."""
    return "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data)


def hexadecimal(digits: int) -> Show:
    """How a number is shown with that many hexadecimal digits: 0x0800."""
    return lambda number: f"0x{number:0{digits}x}"


def hardware(number: int) -> str:
    """An Ethernet address: 02:00:0a:4d:01:64."""
    return number.to_bytes(6, "big").hex(":")
