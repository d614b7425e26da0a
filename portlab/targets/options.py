"""The options that go with a scan: timeouts, rates, tries, words; each checked, and quoted where it cannot be."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from numbers import Real

import numpy as np

from portlab.errors import BadTarget, quoted

MOST_PROBES = 16_777_216


def between(name: str, value: object, least: float, most: float, unit: str = "seconds") -> float:
    """A number between two ends, such as a timeout or a rate; BadTarget otherwise."""
    accepted = f"{name} is a number from {least:g} to {most:,}, in {unit}, such as {name}={max(least, 2.5):g}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise BadTarget(f"{name}={quoted(value)} is not a number: {accepted}.")
    if not least <= value <= most:  # type: ignore[operator]  # every real number compares with these
        raise BadTarget(f"{name}={quoted(value)} cannot be: {accepted}.")
    return float(value)


def at_least(name: str, value: object, least: int, most: int) -> int:
    """A whole number between two ends, such as a number of tries; BadTarget otherwise."""
    accepted = f"{name} is a whole number from {least} to {most}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # that it may be anything is the question
    except TypeError:
        raise BadTarget(f"{name}={quoted(value)} is not a whole number: {accepted}.") from None
    if isinstance(value, bool | np.bool_) or not least <= number <= most:
        raise BadTarget(f"{name}={quoted(value)} cannot be: {accepted}.")
    return number


def yes_or_no(name: str, value: object) -> bool:
    """True or False; BadTarget for what would only be taken for one of them."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise BadTarget(f"{name}={quoted(value)} is neither: type {name}=True or {name}=False.")


def one_of(what: str, value: object, known: Iterable[str]) -> str:
    """One of some words; BadTarget, with all of them, otherwise."""
    words = tuple(known)
    if isinstance(value, str) and value in words:
        return str(value)
    raise BadTarget(f"There is no {what} {quoted(value)}. PortLab knows {', '.join(words)}.")


def limit_probes(hosts: int, ports: int = 1) -> None:
    """Refuse a scan of more (host, port) pairs than fit in memory at once."""
    if hosts * ports > MOST_PROBES:
        raise BadTarget(
            f"{hosts:,} hosts with {ports:,} ports each are {hosts * ports:,} probes; one scan takes at most "
            f'{MOST_PROBES:,}. Ask fewer ports ("common" instead of "all"), or fewer hosts at a time.'
        )
