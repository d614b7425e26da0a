"""Options of IPv4 (RFC 791) and TCP (RFC 9293 section 3.2): kind, length, value, and padding."""

from __future__ import annotations

from collections.abc import Callable

from portlab.view.dissection.fields import Reader

Value = tuple[str, str, int, str | Callable[[int], str]]
"""Name, short name, bits and meaning of what an option carries."""

END, NOTHING = 0, 1

IP_KINDS = {7: "record route", 68: "internet timestamp", 130: "security", 131: "loose source route",
            136: "stream identifier", 137: "strict source route", 148: "router alert"}  # fmt: skip
TCP_KINDS = {2: "maximum segment size", 3: "window scale", 4: "SACK permitted", 5: "selective acknowledgment",
             8: "timestamps", 28: "user timeout", 30: "multipath TCP", 34: "fast open"}  # fmt: skip
TCP_VALUES: dict[int, tuple[Value, ...]] = {
    2: (
        ("Maximum segment size", "MSS", 16, lambda v: f"accepts at most {v:,} bytes of data in one segment"),
    ),
    3: (
        (
            "Shift count",
            "shift",
            8,
            lambda v: f"its later windows count times {1 << min(v, 14):,} (RFC 7323)",
        ),
    ),
    8: (
        ("Timestamp value", "TS value", 32, "the sender's clock (RFC 7323)"),
        ("Timestamp echo reply", "TS echo", 32, "the newest timestamp heard from the other side"),
    ),
}


def ip_options(read: Reader) -> None:
    """The options of an IPv4 header."""
    _options(read, IP_KINDS, {})


def tcp_options(read: Reader, in_syn: bool) -> None:
    """The options of a TCP header."""
    promise = "the sender understands selective acknowledgments (RFC 2018)"
    _options(read, TCP_KINDS, TCP_VALUES, {4: promise} if in_syn else {})


def _options(
    read: Reader,
    kinds: dict[int, str],
    values: dict[int, tuple[Value, ...]],
    told: dict[int, str] | None = None,
) -> None:
    while read.left >= 8:
        kind = read.peek(8)
        if kind == END:
            read.take("Option kind", "kind", 8, str, "end of the options")
            read.block("Padding", "padding", read.left, "0", "fills up the last word of 32 bits")
            return
        if kind == NOTHING:
            read.take("Option kind", "kind", 8, str, "no operation: puts what follows at an even place")
            continue
        name = kinds.get(kind, "an option PortLab does not know")
        more = (told or {}).get(kind)
        read.take("Option kind", "kind", 8, str, f"{name}: {more}" if more else name)
        length = read.take("Option length", "len", 8, str, lambda v: f"{v} bytes, kind and length included")
        rest = min((length - 2) * 8, read.left)
        if length < 2:
            read.rest("Rest", "the option's length cannot be")
            return
        for name, short, bits, meaning in values.get(kind, ()):
            if bits <= rest:
                read.take(name, short, bits, str, meaning)
                rest -= bits
        if rest:
            shown = read.raw[read.bit // 8 : (read.bit + rest) // 8].hex(" ")
            read.block("Option value", "value", rest, shown, _blocks(read, rest) if kind == 5 else "")


def _blocks(read: Reader, bits: int) -> str:
    """The ranges of a selective acknowledgment (RFC 2018)."""
    data = read.raw[read.bit // 8 : (read.bit + bits) // 8]
    edges = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data) - 3, 4)]
    pairs = [f"{a} to {b - 1}" for a, b in zip(edges[::2], edges[1::2], strict=False)]
    return f"also here: bytes {', '.join(pairs)}"
