"""A written permission as a value: what may be probed, what of it not, how fast, until when, and on whose word.

Testers call it the rules of engagement: scope, exclusions, rate limit, time.  Here it is read and shown; `scope`
holds scans to it.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, time
from itertools import islice
from numbers import Real
from typing import Any

from portlab import lab
from portlab.errors import BadTarget, quoted
from portlab.shown import Shown

Network = ipaddress.IPv4Network

TITLE = "Permission to scan"
MOST_LISTED = 65_536
LARGEST = 16  # prefix length: nobody owns more by mistake
LEAST_RATE, MOST_RATE = 0.01, 10_000_000  # packets a second, as for a scan
NEVER = tuple(
    (Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "holds no host: it means 'this network'"),
        ("224.0.0.0/4", "is multicast: it reaches whole groups of hosts"),
        ("240.0.0.0/4", "is reserved and holds the broadcast address"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class Authorisation(Shown):
    """One permission: the networks that may be probed, what in them may not, and the reason given.

    `rate`: packets a second at most; `until`: when it ends; `owner`: who allowed it.  None and "": nothing was said.
    """

    networks: tuple[str, ...]
    exclude: tuple[str, ...]
    reason: str
    rate: float | None = None
    until: datetime | None = None
    owner: str = ""

    def __str__(self) -> str:
        terms = [
            ", ".join(map(called, self.networks)),
            f" without {', '.join(map(called, self.exclude))}" if self.exclude else "",
            f", at most {self.pace}" if self.rate else "",
            f", until {self.end}" if self.until else "",
            f", allowed by {self.owner}" if self.owner else "",
        ]
        return f"{''.join(terms)} ({self.reason})"

    @property
    def pace(self) -> str:
        """How fast it lets anybody be, in words."""
        return f"{self.rate:g} packets a second" if self.rate else ""

    @property
    def end(self) -> str:
        """When it ends, by the clock of whoever reads it."""
        return f"{self.until.astimezone():%Y-%m-%d %H:%M %Z}" if self.until else ""

    def left(self, now: datetime) -> float:
        """Seconds until it ends; without an end, for ever."""
        return (self.until - now).total_seconds() if self.until else math.inf

    def rows(self) -> list[tuple[str, str]]:
        """What it says, line by line."""
        told = (
            ("Allowed by", self.owner),
            ("In scope", ", ".join(map(called, self.networks))),
            ("Out of scope", ", ".join(map(called, self.exclude))),
            ("Rate", self.rate and f"at most {self.pace}"),
            ("Until", self.end),
            ("Reason", self.reason),
        )
        return [(what, words) for what, words in told if words]

    def html(self) -> str:
        """The permission as a table."""
        from portlab.view import figure
        from portlab.view.svg import escape

        rows = [(escape(what), escape(words)) for what, words in self.rows()]
        detail = "PortLab holds every scan to it."
        body = figure.heading(TITLE, detail) + figure.table(TITLE, ("Term", "What it says"), rows, "prose")
        return figure.wrap("permission", TITLE, body)


def written(
    network: object,
    exclude: object,
    reason: object,
    rate: object,
    until: object,
    owner: object,
    now: datetime,
) -> Authorisation:
    """The permission that was typed.  Raises BadTarget where one of its terms cannot be."""
    allowed = [one for item in _listed(network, "network") or [network] for one in named(item)]
    for one in allowed:
        if why := unfit(one):
            raise BadTarget(f"{text(one)!r} {why}.")
    if not isinstance(reason, str) or not reason.strip():
        raise BadTarget(
            f"Authorising {quoted(network)} needs a reason, which is recorded with the results: "
            f'authorise("{allowed[0]}", reason="my own router").'
        )
    if not isinstance(owner, str):
        raise BadTarget(f'owner={quoted(owner)} is no name: type who allowed it, such as owner="my school".')
    left_out = _listed(exclude, "exclude")
    if left_out is None:
        raise BadTarget(f'exclude={quoted(exclude)} is no list of addresses: type exclude=["192.0.2.9"].')
    shut = [one for item in left_out for one in _inside(item, allowed)]
    return Authorisation(
        tuple(map(text, allowed)),
        tuple(map(text, shut)),
        reason.strip(),
        _rate(rate),
        _moment(until, now),
        owner.strip(),
    )


def named(typed: object) -> list[Network]:
    """A network, or all addresses of a host: by number, inside a lab also by the lab's names.

    Raises BadTarget for what is none.
    """
    here = lab.current()
    if here is not None and isinstance(typed, str):
        name = typed.strip().lower().removesuffix(".lab")
        known = here.hosts.get(name) or tuple(filter(None, [here.networks.get(name)]))
        if known:
            return [Network(address) for address in known]
    return [_network(typed)]


def called(network: str) -> str:
    """A network with the name that the lab has for it: "vault 10.77.2.30", "office 10.77.1.0/24"."""
    here = lab.current()
    networks = {cidr: name for name, cidr in here.networks.items()} if here else {}
    return f"{networks.get(network) or lab.name_of(network)} {network}".strip()


def text(network: Network) -> str:
    """A network as it is recorded: a single address without its /32."""
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def unfit(network: Network) -> str:
    """Why a network cannot be authorised; "" where it can."""
    if network.prefixlen < LARGEST:
        return f"is too large to be authorised: at most a /{LARGEST}, 65,536 addresses"
    for never, why in NEVER:
        if network.overlaps(never):
            return f"cannot be authorised: {str(never)!r} {why}"
    return ""


def _inside(item: object, allowed: list[Network]) -> list[Network]:
    """What is excluded by one item, some of which lies in what is allowed."""
    shut = named(item)
    if not any(one.subnet_of(whole) for one in shut for whole in allowed):
        typed = item if isinstance(item, str) and len(shut) > 1 else text(shut[0])
        places = ", ".join(repr(str(whole)) for whole in allowed)
        raise BadTarget(f"{typed!r} cannot be excluded: it is not inside {places}.")
    return shut


def _listed(listed: Any, what: str) -> list[object] | None:
    """What was listed, one by one; one alone need be no list.  None: it is neither."""
    if isinstance(listed, str | bytes | dict | ipaddress.IPv4Address | Network):
        return [listed]
    try:
        items = list(islice(listed, MOST_LISTED + 1))
    except TypeError:
        return None
    if len(items) > MOST_LISTED:
        raise BadTarget(
            f"{what}={quoted(listed)} has no end, or more than {MOST_LISTED:,} items: type networks."
        )
    return items


def _network(typed: object) -> Network:
    accepted = str | ipaddress.IPv4Address | Network
    said = str(typed).strip() if isinstance(typed, accepted) else quoted(typed)
    try:
        return Network(said)
    except ValueError as error:
        hint = ""
        if "host bits" in str(error):
            whole = Network(said, strict=False)
            hint = f"  Its network {str(whole)!r} {unfit(whole) or 'would be one'}."
        if ":" in said:
            hint = "  PortLab is IPv4 only."
        raise BadTarget(
            f"{said!r} is not a network that can be authorised: type one IPv4 address or a CIDR, such as "
            "'192.0.2.7' or '192.0.2.0/28'; names are not accepted, since what they mean can change (only a "
            f"lab's own are, inside it).{hint}"
        ) from None


def _rate(typed: object) -> float | None:
    if typed is None:
        return None
    if isinstance(typed, Real) and not isinstance(typed, bool) and LEAST_RATE <= typed <= MOST_RATE:  # type: ignore[operator]
        return float(typed)
    raise BadTarget(
        f"rate={quoted(typed)} cannot be: it is how many packets a second are allowed at most, from {LEAST_RATE} "
        f"to {MOST_RATE:,}, such as rate=50."
    )


def _moment(typed: object, now: datetime) -> datetime | None:
    """When it ends: a datetime, or one as text; of a time of day alone, today's.  In local time, unless it says."""
    if typed is None:
        return None
    try:
        moment = _read(typed, now).astimezone()  # what says no zone is local
    except (ValueError, OverflowError):
        raise BadTarget(
            f'until={quoted(typed)} is no time: type until="18:00" for today, or until="2030-01-31 18:00".'
        ) from None
    if moment <= now:
        raise BadTarget(f"until={quoted(typed)} has passed: a permission that has ended allows nothing.")
    return moment


def _read(typed: object, now: datetime) -> datetime:
    if isinstance(typed, datetime):
        return typed
    if not isinstance(typed, str):
        raise ValueError
    try:
        return datetime.fromisoformat(typed.strip())
    except ValueError:
        return datetime.combine(now, time.fromisoformat(typed.strip()))
