"""What may be probed: loopback, the lab this process is in, and what the user has authorised.  Nothing else.

The judgement falls on the resolved address, before a packet is built.  Lab addresses count only inside the
lab: on the host the same numbers would leave by the default gateway.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portlab import lab
from portlab.errors import BadTarget, OutOfScope, quoted
from portlab.packets.leads import leads

Addresses = NDArray[np.uint32]

LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
MOST_EXCLUDED = 65_536
LARGEST = 16  # prefix length: nobody owns more by mistake
HIGHEST_PORT = 65_535
NEVER = tuple(
    (ipaddress.IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "holds no host: it means 'this network'"),
        ("224.0.0.0/4", "is multicast: it reaches whole groups of hosts"),
        ("240.0.0.0/4", "is reserved and holds the broadcast address"),
    )
)


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One network that the user says may be probed, what in it may not, and the reason given."""

    network: str
    exclude: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        without = f" without {', '.join(self.exclude)}" if self.exclude else ""
        return f"{self.network}{without} ({self.reason})"


_authorised: list[Authorisation] = []


def authorise(
    network: str,
    exclude: Iterable[str] = (),
    reason: str = "",
    tell: Callable[[str], object] = print,
) -> Authorisation:
    """Say that you may probe a network: your own, or one whose owner allowed it.  It is printed and recorded.

    `network` is one IPv4 address or a CIDR no larger than a /16; `exclude` holds addresses or CIDRs inside it
    that stay refused; `reason` is required and travels with every export.  Raises BadTarget where one of them
    cannot be.
    """
    allowed = _network(network)
    if unfit := _unfit(allowed):
        raise BadTarget(f"{_text(allowed)!r} {unfit}.")
    if not isinstance(reason, str) or not reason.strip():
        raise BadTarget(
            f"Authorising {quoted(network)} needs a reason, which is recorded with the results: "
            f'authorise("{allowed}", reason="my own router").'
        )
    if not callable(tell):
        raise BadTarget(f"tell={quoted(tell)} is not a function: leave it out, or type tell=print.")
    shut = tuple(_network(item) for item in _items(exclude))
    for item in shut:
        if not item.subnet_of(allowed):
            raise BadTarget(f"{_text(item)!r} cannot be excluded: it is not inside {str(allowed)!r}.")
    authorisation = Authorisation(_text(allowed), tuple(_text(item) for item in shut), reason.strip())
    if authorisation not in _authorised:
        _authorised.append(authorisation)
    tell(f"Authorised for probing, on your word: {authorisation}")
    return authorisation


def contains(network: str, address: str) -> bool:
    """Whether an address (or a smaller network) lies inside a network; BadTarget where one of them is none."""
    return _network(address).subnet_of(_network(network))


def authorised() -> tuple[Authorisation, ...]:
    """What was authorised in this process so far, in order."""
    return tuple(_authorised)


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
        called = f"{address} ({origin})" if origin and said != str(address) else str(address)
        raise OutOfScope(f"{called} {_why(address)}  {_instead(said, span or (first, first))}".rstrip())


def _refused(column: Addresses) -> NDArray[np.bool_]:
    return ~_inside(column, _allowed()) | left_out(column)


def left_out(addresses: Addresses) -> NDArray[np.bool_]:
    """Which addresses a sweep passes by: excluded ones, and those that a network keeps for itself."""
    return _inside(addresses, _exclusions()) | _shared(addresses)


def _items(exclude: Any) -> list[object]:
    """What is excluded, one by one."""
    if isinstance(exclude, str | bytes | dict | ipaddress.IPv4Address | ipaddress.IPv4Network):
        return [exclude]
    try:
        items = list(islice(exclude, MOST_EXCLUDED + 1))
    except TypeError:
        raise BadTarget(
            f'exclude={quoted(exclude)} is no list of addresses: type exclude=["192.0.2.9"].'
        ) from None
    if len(items) > MOST_EXCLUDED:
        raise BadTarget(
            f"exclude={quoted(exclude)} has no end, or more than {MOST_EXCLUDED:,} items: type networks."
        )
    return items


def _network(typed: object) -> ipaddress.IPv4Network:
    accepted = str | ipaddress.IPv4Address | ipaddress.IPv4Network
    text = str(typed).strip() if isinstance(typed, accepted) else quoted(typed)
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        hint = ""
        if "host bits" in str(error):
            whole = ipaddress.IPv4Network(text, strict=False)
            hint = f"  Its network {str(whole)!r} {_unfit(whole) or 'would be one'}."
        if ":" in text:
            hint = "  PortLab is IPv4 only."
        raise BadTarget(
            f"{text!r} is not a network that can be authorised: type one IPv4 address or a CIDR, such as "
            f"'192.0.2.7' or '192.0.2.0/28'; names are not accepted, since what they mean can change.{hint}"
        ) from None


def _unfit(network: ipaddress.IPv4Network) -> str:
    """Why a network cannot be authorised; "" where it can."""
    if network.prefixlen < LARGEST:
        return f"is too large to be authorised: at most a /{LARGEST}, 65,536 addresses"
    for never, why in NEVER:
        if network.overlaps(never):
            return f"cannot be authorised: {str(never)!r} {why}"
    return ""


def _text(network: ipaddress.IPv4Network) -> str:
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def _lab_networks() -> list[ipaddress.IPv4Network]:
    here = lab.current()
    return [] if here is None else [ipaddress.IPv4Network(cidr) for cidr in here.networks.values()]


def _allowed() -> list[ipaddress.IPv4Network]:
    granted = (ipaddress.IPv4Network(item.network) for item in _authorised)
    return [LOOPBACK, *_lab_networks(), *granted]


def _exclusions() -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(address) for item in _authorised for address in item.exclude]


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
    if _inside(number, _exclusions()).any():
        return "was excluded when its network was authorised.  Leave it out."
    if _shared(number).any():
        return (
            "is the first or the last of its network: it names the network or everybody in it, not a host.  "
            "Type the address of a host."
        )
    if unfit := _unfit(ipaddress.IPv4Network(address)):
        return f"may not be probed, and {unfit}."
    allowed = ", ".join(str(network) for network in _allowed())
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
        return f"Type a smaller network: {_text(whole)!r} {_unfit(whole)}."
    if _unfit(whole):
        return "Type the address of a host, or a network, each of whose hosts is then asked."
    return (
        "If it is yours, or its owner allowed it in writing, type: "
        f'pl.authorise("{_text(whole)}", reason="...")  '
        f'(in a terminal: --authorise {_text(whole)} --reason "...")'
    )
