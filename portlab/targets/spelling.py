"""How one target may be spelled, and what an odd spelling comes to.

Nothing is refused here for where it leads, only for what cannot be understood: the scope judges the result.
"""

from __future__ import annotations

import ipaddress
import re

from portlab import scope
from portlab.addresses import dotted
from portlab.errors import BadTarget, quoted

ACCEPTED = (
    'Accepted are a name such as "web", an IPv4 address, a network such as "10.77.1.0/24", '
    'a range such as "10.77.1.10-20", and lists of these'
)
IPV4_ONLY = "PortLab is IPv4 only"

_PART = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_CIDR = re.compile(r"([^/]+)/([0-9]{1,2})")
_RANGE = re.compile(r"([0-9.]+)\s*-\s*([0-9.]+)")


def cleaned(typed: object) -> str:
    """The text of one target, without what is harmless around it.  Raises BadTarget for what is none."""
    if isinstance(typed, ipaddress.IPv6Address | ipaddress.IPv6Network | ipaddress.IPv6Interface):
        return _without_ipv6(str(typed))
    if isinstance(typed, ipaddress.IPv4Interface):
        return str(typed.ip)
    if isinstance(typed, ipaddress.IPv4Address | ipaddress.IPv4Network):
        return str(typed)
    if not isinstance(typed, str):
        raise BadTarget(f"{quoted(typed)} is not a target. {ACCEPTED}.")
    text = re.sub(r"\s*-\s*", "-", typed.strip())
    if not text:
        raise BadTarget(f"{quoted(typed)} names no target. {ACCEPTED}.")
    if not text.isascii() or not text.isprintable():
        raise BadTarget(f"{quoted(typed)} holds characters that are not plain ASCII. {ACCEPTED}.")
    if hint := _wrong_place(text):
        raise BadTarget(f"{quoted(typed)} is not a target: {hint} {ACCEPTED}.")
    return _without_ipv6(text).removesuffix(".") or text


def _wrong_place(text: str) -> str:
    """What a target came dressed in: a URL, an account, a port, several at once."""
    if "://" in text or "@" in text:
        return "type the name of the host alone, without what stands around it in a URL."
    if "," in text or " " in text:
        return "give several as a list (in a terminal: with spaces between them)."
    host, colon, port = text.partition(":")
    if colon and port.isdecimal() and not host.isdecimal():
        return f"type {host!r} alone; ports go into their own place."
    return ""


def _without_ipv6(text: str) -> str:
    """IPv4-mapped IPv6 addresses come to their IPv4 address; every other IPv6 spelling is refused."""
    if ":" not in text:
        return text
    try:
        mapped = ipaddress.IPv6Address(text.strip("[]")).ipv4_mapped
    except ValueError:
        mapped = None
    if mapped is None:
        raise BadTarget(f"{quoted(text)}: {IPV4_ONLY}. {ACCEPTED}.")
    return str(mapped)


def address(text: str) -> int | None:
    """What a numeric address comes to, spelled in any of the ways old programs accept; None: not numeric.

    127.0.0.1 = 127.1 = 2130706433 = 0x7f000001 = 0177.0.0.1.  A number with a leading zero is octal to some
    programs and decimal to others: it is refused where the two differ.
    """
    parts = text.split(".")
    if not all(_PART.fullmatch(part) for part in parts):
        return None
    number = _join(parts, text)
    plain = _join([_decimal(part) for part in parts], text)
    if number != plain:
        readings = [dotted(each) for each in (plain, number) if scope.may_probe(each)]
        if not readings:
            scope.check([number], text)
        raise BadTarget(
            f"{quoted(text)} has leading zeros, octal to some: type {' or '.join(readings)}, as you mean it."
        )
    return number


def _decimal(part: str) -> str:
    return part if part.lower().startswith("0x") else part.lstrip("0") or "0"


def _join(parts: list[str], text: str) -> int:
    """The last part fills all bytes that the others leave."""
    wrong = BadTarget(
        f"{quoted(text)} is not an IPv4 address: that is four numbers from 0 to 255. {ACCEPTED}."
    )
    if len(parts) > 4 or any(len(part) > 16 for part in parts):
        raise wrong
    try:
        *leading, last = [_number(part) for part in parts]
    except ValueError:
        raise wrong from None
    room = 8 * (4 - len(leading))
    if any(part > 255 for part in leading) or last >= 1 << room:
        raise wrong
    return sum(part << 24 - 8 * place for place, part in enumerate(leading)) + last


def _number(part: str) -> int:
    if part.lower().startswith("0x"):
        return int(part, 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)


def sweep(text: str) -> tuple[int, int, bool] | None:
    """First and last address of a CIDR or a range, and whether it is a network; None: it is neither."""
    if "/" in text:
        return _cidr(text)
    span = _RANGE.fullmatch(text)
    if span is None:
        return None
    first, last = _end(span[1], text), span[2]
    if "." in last:
        final = _end(last, text)
    elif last.isdecimal() and len(last) <= 3 and int(last) <= 255:
        final = first & ~0xFF | int(last)
    else:
        raise _no_range(text)
    if final < first:
        raise BadTarget(f"{quoted(text)} runs backwards: the smaller address comes first.")
    return first, final, False


def _cidr(text: str) -> tuple[int, int, bool]:
    parts = _CIDR.fullmatch(text)
    base = address(parts[1]) if parts else None
    if parts is None or base is None or int(parts[2]) > 32:
        raise BadTarget(
            f"{quoted(text)} is not a network: that is an address and a prefix length from 0 to 32, "
            f'such as "10.77.1.0/24". {ACCEPTED}.'
        )
    size = 1 << 32 - int(parts[2])
    first = base // size * size
    return first, first + size - 1, size > 1


def _end(text: str, whole: str) -> int:
    number = address(text) if text.count(".") == 3 else None
    if number is None:
        raise _no_range(whole)
    return number


def _no_range(text: str) -> BadTarget:
    return BadTarget(
        f'{quoted(text)} is not a range: that is "10.77.1.10-20", or two whole addresses. {ACCEPTED}.'
    )
