"""The numbers that go with a scan: timeouts, rates, tries; and how a bad value is quoted."""

from __future__ import annotations

import math
import operator
from numbers import Real

from portlab.errors import BadTarget, quoted

MOST_PROBES = 16_777_216


def positive(name: str, value: object, unit: str = "seconds") -> float:
    """A finite number above zero, such as a timeout or a rate; BadTarget otherwise."""
    accepted = f"{name} is a number above 0, in {unit}, such as {name}=2.5"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise BadTarget(f"{name}={quoted(value)} is not a number: {accepted}.")
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise BadTarget(f"{name}={quoted(value)} cannot be: {accepted}.")
    return number


def at_least(name: str, value: object, least: int, most: int) -> int:
    """A whole number between two ends, such as a number of tries; BadTarget otherwise."""
    accepted = f"{name} is a whole number from {least} to {most}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # that it may be anything is the question
    except TypeError:
        raise BadTarget(f"{name}={quoted(value)} is not a whole number: {accepted}.") from None
    if isinstance(value, bool) or not least <= number <= most:
        raise BadTarget(f"{name}={quoted(value)} cannot be: {accepted}.")
    return number


def limit_probes(hosts: int, ports: int = 1) -> None:
    """Refuse a scan of more (host, port) pairs than fit in memory at once."""
    if hosts * ports > MOST_PROBES:
        raise BadTarget(
            f"{hosts:,} hosts with {ports:,} ports each are {hosts * ports:,} probes; one scan takes at most "
            f'{MOST_PROBES:,}. Ask fewer ports ("common" instead of "all"), or fewer hosts at a time.'
        )
