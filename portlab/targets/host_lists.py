"""Targets as people type them: "web", "office", "10.77.1.0/24", "10.77.1.10-20", "127.0.0.1", lists of these.

Everything is judged by the address it comes to.  Names come from the lab, then from this machine's hosts
file.  A name server is asked only when the user has authorised something outside the lab: without that, what
it says would be refused anyway.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from portlab import lab, scope
from portlab.addresses import dotted
from portlab.errors import BadTarget, OutOfScope, quoted
from portlab.permission import called
from portlab.scope import Addresses
from portlab.targets import names, spelling

MOST_HOSTS = 65_536
MOST_NAMED = 8


@dataclass(frozen=True, eq=False)
class Targets:
    """Addresses to probe, each once, in the order typed.

    `names` says how to call those that have a name; `left_out` holds what a sweep passed by: the addresses
    that a network keeps for itself, and excluded ones.
    """

    addresses: Addresses
    names: dict[int, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.addresses)

    def notes(self) -> tuple[str, ...]:
        """What was passed by because a permission excludes it, as a sentence."""
        left_out = np.array([int(ipaddress.IPv4Address(address)) for address in self.left_out], np.uint32)
        passed_by = [dotted(address) for address in left_out[scope.excluded(left_out)].tolist()]
        if not passed_by:
            return ()
        named = ", ".join(called(address) for address in passed_by[:MOST_NAMED])
        more = f" and {len(passed_by) - MOST_NAMED:,} more" if len(passed_by) > MOST_NAMED else ""
        return (f"Not asked, since your permission excludes it: {named}{more}.",)


def targets(typed: object) -> Targets:
    """The addresses that were typed.

    Raises BadTarget for what cannot be understood, OutOfScope for what may not be probed.
    """
    items = [(spelling.cleaned(item), str(item).strip()) for item in _items(typed)]
    if not items:
        raise BadTarget(f"{quoted(typed)} names no target. {spelling.ACCEPTED}.")
    here = [
        _known_here(text, said) for text, said in items
    ]  # all of them before a name server is asked for any
    found = [_looked_up(*item) if one is None else one for one, item in zip(here, items, strict=True)]
    together = np.concatenate([one.addresses for one in found])
    _, first = np.unique(together, return_index=True)
    addresses = together[np.sort(first)]
    if not len(addresses):
        raise OutOfScope(
            f"{quoted(typed)} holds only addresses that are left out: {', '.join(found[0].left_out)}."
        )
    _not_too_many(len(addresses), typed)
    called = {address: name for one in reversed(found) for address, name in one.names.items()}
    left_out = dict.fromkeys(address for one in found for address in one.left_out)
    return Targets(addresses, called | _known(addresses), tuple(left_out))


def _items(typed: object) -> list[object]:
    if isinstance(typed, Iterable) and not isinstance(
        typed, str | bytes | bytearray | dict | ipaddress.IPv4Network | ipaddress.IPv6Network
    ):
        with suppress(TypeError):  # an array without a dimension calls itself iterable
            items = list(islice(typed, MOST_HOSTS + 1))
            if len(items) > MOST_HOSTS:
                raise BadTarget(
                    f"{quoted(typed)} gives more than {MOST_HOSTS:,} targets, the most that one scan takes. "
                    'Type a network, such as "10.77.1.0/24", or fewer at a time.'
                )
            return items
    return [typed]


def _known_here(text: str, said: str) -> Targets | None:
    """One item, judged by the addresses it comes to; None where it is a name that the lab does not know."""
    if span := spelling.sweep(text):
        return _sweep(*span, said)
    number = spelling.address(text)
    if number is not None:
        return _single(number, said)
    meaning = lab.resolve(text)
    if meaning is not None and "/" in meaning:
        network = ipaddress.IPv4Network(meaning)
        return _sweep(int(network[0]), int(network[-1]), True, said)
    if meaning is not None:
        return _single(int(ipaddress.IPv4Address(meaning)), said)
    return None


def _looked_up(text: str, said: str) -> Targets:
    """A name that this machine or a name server knows."""
    return _single(names.look_up(text), said, text)


def _single(number: int, said: str, name: str = "") -> Targets:
    addresses = np.array([number], np.uint32)
    scope.check(addresses, said)
    return Targets(addresses, {number: name} if name else {})


def _sweep(first: int, last: int, is_network: bool, said: str) -> Targets:
    """All addresses between two ends; of a network from /30 on not the first and the last (the broadcast)."""
    ends = np.array([first, last], np.uint32)
    scope.check(ends[~scope.left_out(ends)], said, (first, last))
    _not_too_many(last - first + 1, said)
    every = np.arange(first, last + 1, dtype=np.uint32)
    out = scope.left_out(every)
    scope.check(every[~out], said, (first, last))
    if is_network and last - first > 1:
        out[[0, -1]] = True
    passed_by = tuple(dotted(address) for address in every[out].tolist())
    return Targets(every[~out], {}, passed_by)


def _known(addresses: Addresses) -> dict[int, str]:
    """What the lab, or everybody, calls these addresses."""
    here = lab.current()
    known = {int(ipaddress.IPv4Address("127.0.0.1")): "localhost"}
    for name, its_addresses in (here.hosts if here else {}).items():
        known |= {int(ipaddress.IPv4Address(address)): name for address in its_addresses}
    asked = np.isin(np.array(list(known), np.uint32), addresses)
    return {address: name for (address, name), is_asked in zip(known.items(), asked, strict=True) if is_asked}


def _not_too_many(count: int, typed: object) -> None:
    if count > MOST_HOSTS:
        raise BadTarget(
            f"{quoted(typed)} holds {count:,} addresses; one scan takes at most {MOST_HOSTS:,}. "
            "Type a smaller network, such as a /24."
        )
