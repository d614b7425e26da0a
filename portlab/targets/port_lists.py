"""Port numbers as people type them: 22, "20-25,80,443", "ssh,http", "common", "all", and lists of these."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from portlab import ports as reference
from portlab.errors import BadTarget, quoted

Ports = NDArray[np.uint16]

ACCEPTED = 'Accepted are 22, "20-25,80,443", names such as "ssh", "common", "all", and lists of these'
HIGHEST = 65_535
MOST_NAMED = 1 << 17
"""So many numbers one by one, repeated ones included, are no mistake yet."""

_NUMBER = re.compile(r"[0-9]+")
_RANGE = re.compile(r"([0-9]+)\s*-\s*([0-9]+)")
_OPEN_RANGE = re.compile(r"-([0-9]+)|([0-9]+)-")
_NAME = re.compile(r"[a-z][a-z0-9-]*", re.IGNORECASE)


def ports(typed: object, protocol: str = "tcp") -> Ports:
    """The port numbers that were typed, each once, in the order they first came.

    "common" is every port of the reference for this protocol, "all" is 1 to 65535.  Port 0 is asked only if
    named: no program listens there, so a host answers it as any closed port.  Raises BadTarget.
    """
    numbers = _numbers(typed, protocol)
    if not len(numbers):
        raise BadTarget(f"{quoted(typed)} names no port. {ACCEPTED}.")
    _, first = np.unique(numbers, return_index=True)
    return numbers[np.sort(first)]


def _numbers(typed: object, protocol: str) -> Ports:
    if isinstance(typed, str):
        return _of_text(typed, protocol)
    if isinstance(typed, np.ndarray):
        return (
            _of_items(typed, protocol) if typed.ndim == 1 and typed.dtype.kind in "OU" else _of_array(typed)
        )
    if isinstance(typed, range) and typed:
        _of_integers([typed[0], typed[-1]])  # before it is written out: it may be longer than the memory
    if isinstance(typed, range | list | tuple | set | frozenset) and set(map(type, typed)) == {int}:
        return _of_integers(list(typed))
    if isinstance(typed, Iterable) and not isinstance(typed, bytes | bytearray | dict | np.ndarray):
        return _of_items(typed, protocol)
    return _one(typed)


def _of_items(typed: Iterable[object], protocol: str) -> Ports:
    """Items of any kind, one after the other, as long as they are not endless."""
    parts, count = [np.empty(0, np.uint16)], 0
    for item in typed:
        parts.append(_of_text(item, protocol) if isinstance(item, str) else _one(item))
        count += len(parts[-1])
        if count > MOST_NAMED:
            raise BadTarget(f"{quoted(typed)} gives more than {MOST_NAMED:,} ports. {ACCEPTED}.")
    return np.concatenate(parts)


def _of_array(typed: NDArray[np.generic]) -> Ports:
    if typed.ndim != 1 or typed.dtype.kind not in "iu":
        raise BadTarget(f"{quoted(typed)} is not a column of whole numbers. {ACCEPTED}.")
    return _of_integers(typed.tolist())


def _of_integers(numbers: list[int]) -> Ports:
    """Many at once; the slow way is gone only to name the one that cannot be."""
    if numbers and (min(numbers) < 0 or max(numbers) > HIGHEST):
        raise _no_such_port(next(number for number in numbers if not 0 <= number <= HIGHEST))
    return np.array(numbers, np.uint16)


def _one(item: object) -> Ports:
    try:
        if not isinstance(item, bool | np.bool_):
            return _of_integers([operator.index(item)])  # type: ignore[arg-type]  # that it may be anything is the question
    except TypeError:
        pass
    raise BadTarget(
        f"{quoted(item)} is not a port number: that is a whole number from 0 to 65535. {ACCEPTED}."
    )


def _of_text(text: str, protocol: str) -> Ports:
    parts = [_of_part(part.strip(), text, protocol) for part in text.split(",")]
    return np.concatenate(parts)


def _of_part(part: str, text: str, protocol: str) -> Ports:
    """One item between commas."""
    if part.lower() == "all":
        return np.arange(1, HIGHEST + 1, dtype=np.uint16)
    if part.lower() == "common":
        return np.array(reference.common(protocol), np.uint16)
    if _NUMBER.fullmatch(part):
        return np.array([_number(part)], np.uint16)
    if span := _RANGE.fullmatch(part):
        first, last = _number(span[1]), _number(span[2])
        if first > last:
            raise BadTarget(f"{quoted(part)} runs backwards: type {last}-{first}.")
        return np.arange(first, last + 1, dtype=np.uint16)
    if _NAME.fullmatch(part):
        return _named(part, protocol)
    raise BadTarget(f"{quoted(part)} is not a port{_inside(part, text)}.{_hint(part)} {ACCEPTED}.")


def _number(digits: str) -> int:
    number = digits.lstrip("0") or "0"
    if len(number) > 5 or int(number) > HIGHEST:
        raise _no_such_port(digits)
    return int(number)


def _named(name: str, protocol: str) -> Ports:
    found = reference.numbers_of(name, protocol)
    if found:
        return np.array(found, np.uint16)
    others = [other for other in reference.PROTOCOLS if reference.numbers_of(name, other)]
    if others:
        number = reference.numbers_of(name, others[0])[0]
        raise BadTarget(
            f"{quoted(name)} is {number}/{others[0]} in the reference, and this is a {protocol} scan. "
            f"Use the scan for {others[0]}, or type the number {number} if you mean it."
        )
    raise BadTarget(
        f"{quoted(name)} is not a service of the reference. See them with: portlab ports. {ACCEPTED}."
    )


def _no_such_port(typed: object) -> BadTarget:
    return BadTarget(f"{quoted(typed)} is not a port number: ports go from 0 to 65535. {ACCEPTED}.")


def _inside(part: str, text: str) -> str:
    return "" if part == text.strip() else f" (in {quoted(text)})"


def _hint(part: str) -> str:
    """What was probably meant."""
    if not part:
        return " Between commas there must be something."
    if part == "-":
        return ' Every port is "all".'
    if _OPEN_RANGE.fullmatch(part):
        return " A range needs both ends, such as 1-1024."
    if part[:2].upper() in ("T:", "U:"):
        return " TCP and UDP are different scans: ask each for its own ports."
    if "/" in part:
        return " The protocol is the scan's: type the number alone."
    if re.search(r"\s", part):
        return " Between ports goes a comma."
    return ""
