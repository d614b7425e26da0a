"""What may be probed: loopback, the lab this process is in, and what the user has authorised.  Nothing else.

The judgement falls on the resolved address, before a packet is built.  Lab addresses count only inside the
lab: on the host the same numbers would leave by the default gateway.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portlab import lab
from portlab.errors import BadTarget, OutOfScope, quoted
from portlab.packets.leads import leads
from portlab.permission import LARGEST, Authorisation, called, named, text, unfit, written

Addresses = NDArray[np.uint32]

LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
HIGHEST_PORT = 65_535

_authorised: list[Authorisation] = []


def authorise(
    network: str | Iterable[str],
    exclude: str | Iterable[str] = (),
    reason: str = "",
    tell: Callable[[str], object] = print,
    *,
    rate: float | None = None,
    until: str | datetime | None = None,
    owner: str = "",
) -> Authorisation:
    """Say what you may probe, as your written permission says it: PortLab then holds you to it.

        pl.authorise("192.0.2.0/28", exclude="192.0.2.9", rate=50, until="18:00", owner="my school", reason="class 3")

    `network` is an IPv4 address, a CIDR no larger than a /16, or a list of these; `exclude` holds what in it stays
    refused (a sweep passes it by).  Inside a lab its names do, too.  `reason` is required.  `rate`: packets a second
    at most; a scan keeps to it, and is refused a higher one.  `until`: when it ends, such as "18:00" or
    "2030-01-31 18:00"; `owner`: who allowed it.  Of several permissions the strictest holds, until this process ends.
    It is printed, and recorded with every export.  Raises BadTarget where one of its terms cannot be.
    """
    if not callable(tell):
        raise BadTarget(f"tell={quoted(tell)} is not a function: leave it out, or type tell=print.")
    authorisation = written(network, exclude, reason, rate, until, owner, _now())
    if authorisation not in _authorised:
        _authorised.append(authorisation)
    tell(f"Authorised for probing, on your word: {authorisation}")
    return authorisation


def contains(network: str, address: str) -> bool:
    """Whether an address (or a smaller network) lies inside a network; BadTarget where one of them is none."""
    return any(part.subnet_of(whole) for part in named(address) for whole in named(network))


def authorised() -> tuple[Authorisation, ...]:
    """What was authorised in this process so far, in order."""
    return tuple(_authorised)


def reaches_out() -> bool:
    """Whether anything outside of the lab was authorised: only then a name server is asked for names."""
    inside = _lab_networks()
    return any(not any(network.subnet_of(ours) for ours in inside) for network in _granted(_authorised))


def withdraw() -> None:
    """Take every authorisation back."""
    _authorised.clear()


def check(addresses: ArrayLike, said: str = "", span: tuple[int, int] | None = None) -> None:
    """Refuse, by OutOfScope, unless every address (as a number) may be probed.

    `said` is what the user typed; the message names it beside the address it came to.  `span` is the first and the
    last address of the sweep it is part of, which would have to be authorised as a whole.
    """
    _check(addresses, f"from {said!r}" if said else "", said, span)


def check_packet(packet: bytes, own: int | None = None) -> None:
    """Refuse, by OutOfScope, unless an IPv4 packet and all that it carries leads only to what may be probed.

    That is every destination, every address in options that route, and every source, since answers go there; the
    `own` address and none (0.0.0.0) are right as sources.  Without `own` sources are not judged yet.
    """
    for lead in leads(packet):
        if not lead.is_source or (own is not None and lead.address not in (0, own)):
            _check([lead.address], lead.role)


def may_probe(address: int) -> bool:
    """Whether one address (as a number) may be probed."""
    return not _refused(np.array([address], np.uint32)).any()


def _check(addresses: ArrayLike, origin: str, said: str = "", span: tuple[int, int] | None = None) -> None:
    column = np.asarray(addresses, np.uint32)
    refused = _refused(column)
    if refused.any():
        first = int(column[np.argmax(refused)])
        address = ipaddress.IPv4Address(first)
        typed = f"{address} ({origin})" if origin and said != str(address) else str(address)
        raise OutOfScope(f"{typed} {_why(address)}  {_instead(said, span or (first, first))}".rstrip())


def _refused(column: Addresses) -> NDArray[np.bool_]:
    return ~_inside(column, _allowed()) | left_out(column) | _ended(column)


def left_out(addresses: Addresses) -> NDArray[np.bool_]:
    """Which addresses a sweep passes by: excluded ones, and those that a network keeps for itself."""
    return excluded(addresses) | _shared(addresses)


def excluded(addresses: Addresses) -> NDArray[np.bool_]:
    """Which addresses the permissions exclude."""
    return _inside(addresses, [ipaddress.IPv4Network(one) for item in _in_force() for one in item.exclude])


# --- how fast, and until when -------------------------------------------------------------------------------


def allowed_rate(addresses: ArrayLike, wanted: float | None = None) -> float | None:
    """Packets a second that the permissions allow to these addresses (as numbers); None: as many as one likes.

    Refuses, by OutOfScope, a rate that was `wanted` and is higher.
    """
    rates = {item.rate: item for item in _that_say_of(addresses) if item.rate}
    if not rates:
        return None
    most = min(rates)
    if wanted is not None and wanted > most:
        where = ", ".join(map(called, rates[most].networks))
        raise OutOfScope(
            f"rate={wanted:g} is faster than your permission allows: at most {rates[most].pace} to {where} "
            f"({rates[most].reason}).  Type rate={most:g}, or leave rate out: the scan then keeps to it by itself."
        )
    return most


def first_end(addresses: ArrayLike) -> tuple[float, str]:
    """Seconds until the first permission for these addresses (as numbers) ends, and when that is in words."""
    now = _now()
    return min(((item.left(now), item.end) for item in _that_say_of(addresses)), default=(math.inf, ""))


def _that_say_of(addresses: ArrayLike) -> list[Authorisation]:
    """The permissions in force for any of these addresses."""
    column = np.asarray(addresses, np.uint32)
    return [item for item in _in_force() if _inside(column, _granted([item])).any()]


def _in_force() -> list[Authorisation]:
    now = _now()
    return [item for item in _authorised if item.left(now) > 0]


def _ended(addresses: Addresses) -> NDArray[np.bool_]:
    """Which addresses were allowed until some time that has passed, and have not been allowed anew."""
    in_force = _in_force()
    over = [item for item in _authorised if item not in in_force]
    return _inside(addresses, _granted(over)) & ~_inside(addresses, _granted(in_force))


def _granted(items: Iterable[Authorisation]) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(network) for item in items for network in item.networks]


def _now() -> datetime:
    return datetime.now(UTC)


# --- what may be probed -------------------------------------------------------------------------------------


def _lab_networks() -> list[ipaddress.IPv4Network]:
    here = lab.current()
    return [] if here is None else [ipaddress.IPv4Network(cidr) for cidr in here.networks.values()]


def _allowed() -> list[ipaddress.IPv4Network]:
    return [LOOPBACK, *_lab_networks(), *_granted(_in_force())]


def _inside(addresses: Addresses, networks: Iterable[ipaddress.IPv4Network]) -> NDArray[np.bool_]:
    """Which addresses lie in any of the networks: one pass over the column for each network."""
    inside = np.zeros(addresses.shape, bool)
    for network in networks:
        mask = np.uint32(int(network.netmask))
        inside |= (addresses & mask) == np.uint32(int(network.network_address))
    return inside


def _shared(addresses: Addresses) -> NDArray[np.bool_]:
    """Which addresses are nobody's own: the first and last (broadcast) of loopback and the lab's networks."""
    ends = [end for network in (LOOPBACK, *_lab_networks()) for end in (network[0], network[-1])]
    return np.isin(addresses, np.array([int(end) for end in ends], np.uint32))


def _why(address: ipaddress.IPv4Address) -> str:
    """Why an address may not be probed."""
    number = np.array([int(address)], np.uint32)
    if excluded(number).any():
        name = lab.name_of(str(address)) or "it"
        return (
            f"was excluded when its network was authorised: your permission says that {name} may not be probed.  "
            "Leave it out (a whole network or a range passes it by)."
        )
    if _shared(number).any():
        return (
            "is the first or the last of its network: it names the network or everybody in it, not a host.  "
            "Type the address of a host."
        )
    if nobodys := unfit(ipaddress.IPv4Network(address)):
        return f"may not be probed, and {nobodys}."
    if _ended(number).any():
        ends = [item.end for item in _authorised if _inside(number, _granted([item])).any()]
        return f"may no longer be probed: its permission ended at {ends[-1]}.  Ask its owner for a new one."
    allowed = ", ".join(dict.fromkeys(map(str, _allowed())))
    place = f"  {lab.why_not()}" if lab.current() is None else ""
    return f"may not be probed: it is outside {allowed}.{place}"


def _instead(said: str, span: tuple[int, int]) -> str:
    """What to type instead of what was refused: what was meant, or what would have to be authorised.

    Never what would itself be refused.
    """
    first, last = span
    whole = ipaddress.IPv4Network((first, 32 - (first ^ last).bit_length()), strict=False)
    if first == last and left_out(np.array([first], np.uint32)).any():
        return ""
    if said.isdecimal() and int(said) <= HIGHEST_PORT:
        return f'If you mean port {said}: ports have their own place, -p {said} or syn_scan("web", {said}).'
    if first == 0 == last:
        return "This machine itself is 127.0.0.1."
    if whole.prefixlen < LARGEST:
        return f"Type a smaller network: {text(whole)!r} {unfit(whole)}."
    if unfit(whole):
        return "Type the address of a host, or a network, each of whose hosts is then asked."
    return (
        "If it is yours, or its owner allowed it in writing, type: "
        f'pl.authorise("{text(whole)}", reason="...")  '
        f'(in a terminal: --authorise {text(whole)} --reason "...")'
    )
