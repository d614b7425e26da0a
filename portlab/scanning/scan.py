"""The scans as functions: ping, connect_scan, syn_scan, udp_scan.  (`send` is for a packet made by hand.)

Each of them does the same few things: understand what was typed, check the resolved addresses, open the wire,
run the loop, conclude.  Nothing is sent before the check.
"""

from __future__ import annotations

import difflib
import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from portlab import lab, scope
from portlab.addresses import dotted, number
from portlab.errors import BadTarget, NotPermitted, quoted
from portlab.evidence.result import Scan
from portlab.evidence.verdict import NO_PORT, Asked
from portlab.model import (
    RECEIVED,
    Reason,
)
from portlab.scanning.loop import Loop
from portlab.scanning.pacing import BLIND_RATE, MAX_TRIES, POLITE_RATE, Pace
from portlab.targets import Targets, at_least, between, limit_probes, one_of, yes_or_no
from portlab.targets import ports as port_numbers
from portlab.targets import targets as target_addresses
from portlab.techniques import Technique, payloads, ping_methods, technique
from portlab.wire import Wire

if TYPE_CHECKING:
    from portlab.scanning.loop import RandomBytes, Tell, Watch

TIMEOUT_S, DEADLINE_S, RATE = (0.001, 3600), (0.001, 604_800), (0.01, 10_000_000)


class Options(TypedDict, total=False):
    """What every scan can be told; left out, PortLab decides.

    `tries`: how often a silent port is asked (by itself: as often as the loss measured demands, so that an
    answering port is missed with a chance of at most one in a million).  `timeout`: seconds to wait after the
    last try, from a thousandth to an hour (by itself: from the round-trip times measured).  `rate`: probes a
    second at most (by itself: as many as the permission given to `authorise` allows).  `deadline`: seconds for
    the whole scan, at most a week.  `seed`: a number for tokens and order that can be repeated.
    `progress`: whether to show a bar after the first second.  `watch`: a function that is shown, up to five times
    a second, the Scan as it would be if it ended now; where it answers True, the scan ends.
    """

    tries: int
    timeout: float
    rate: float
    deadline: float
    seed: int
    progress: bool
    watch: Watch


def ping(target: Any, *, method: str = "icmp", **options: Unpack[Options]) -> Scan:
    """Ask hosts whether they are there: one row a host, up, no-answer or (by ARP) down.

    `method` is "icmp" (an echo) or another kind of question, such as "arp" (own link only) or "syn"; where there is
    no such method, the error lists them all.  For the others see `Options`.
    """
    methods = ping_methods()
    name, wanted = methods[one_of("ping method", method, methods)], _checked(options)
    hosts = target_addresses(target)
    asked = Asked(
        hosts.addresses, np.full(len(hosts.addresses), NO_PORT, np.int32), lab_names() | hosts.names
    )
    return _scan(name, wanted, hosts, asked)


def connect_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Let the operating system connect to each port.  Needs no special rights; the program behind can see it.

    With `timeout=20, tries=1` the kernel's own patience can be watched.  For all options see `Options`.
    """
    return _scan("connect", _checked(options), *_asked(target, ports, "tcp"))


def syn_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send a SYN to each port and read what comes back; the handshake is never finished.

    `target`: names, addresses, CIDRs, ranges, or a list of them.  `ports`: a number, a list, "20-25,80",
    "common", "all".  For the options see `Options`.
    """
    return _scan("syn", _checked(options), *_asked(target, ports, "tcp"))


def udp_scan(
    target: Any, ports: Any = "common", *, payload: str | None = None, **options: Unpack[Options]
) -> Scan:
    """Send a datagram to each port; silence means open or filtered.

    Ports 53, 67, 123 and 161 are asked a proper question of their protocol, others get an empty datagram,
    unless `payload` names one ("empty", "dns", "dhcp", "ntp", "snmp", "sip", "tftp").  Hosts limit their ICMP
    errors: without `tries`, PortLab keeps asking silent ports until the host's next error would be due.  See
    `Options`.
    """
    wanted = _checked(options)
    payloads.choose(np.empty(0, np.uint16), payload)
    hosts, asked = _asked(target, ports, "udp")
    return _scan("udp", wanted, hosts, asked, payloads.choose(asked.port.astype(np.uint16), payload))


def fin_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send a FIN to each port: RST means closed, silence open or filtered.  For the options see `Options`."""
    return _scan("fin", _checked(options), *_asked(target, ports, "tcp"))


def null_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send a segment without any flag to each port; read like a FIN scan.  For the options see `Options`."""
    return _scan("null", _checked(options), *_asked(target, ports, "tcp"))


def xmas_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send FIN, PSH and URG at once to each port; read like a FIN scan.  For the options see `Options`."""
    return _scan("xmas", _checked(options), *_asked(target, ports, "tcp"))


def maimon_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send FIN and ACK at once to each port; read like a FIN scan.  For the options see `Options`."""
    return _scan("maimon", _checked(options), *_asked(target, ports, "tcp"))


def ack_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send an ACK to each port: RST means that no filter was in the way.  For the options see `Options`."""
    return _scan("ack", _checked(options), *_asked(target, ports, "tcp"))


def _asked(target: Any, ports: Any, protocol: str) -> tuple[Targets, Asked]:
    """The hosts, and every port of every one of them: one row each."""
    numbers = port_numbers(ports, protocol)
    hosts = target_addresses(target)
    limit_probes(len(hosts.addresses), len(numbers))
    address = np.repeat(hosts.addresses, len(numbers)).astype(np.uint32)
    rows = np.tile(numbers, len(hosts.addresses)).astype(np.int32)
    return hosts, Asked(address, rows, lab_names() | hosts.names)


def lab_names() -> dict[int, str]:
    """How the lab calls its addresses, also those that only answer for others, such as the gateway's."""
    here = lab.current()
    return {number(a): name for name, addresses in here.hosts.items() for a in addresses} if here else {}


class Wanted(NamedTuple):
    """The options of a scan, each of them checked."""

    pace: Pace
    chance: RandomBytes
    progress: bool
    watch: Watch | None


def _checked(options: Options) -> Wanted:
    """The options, each checked before anything else is done: BadTarget quotes the one that cannot be."""
    if unknown := options.keys() - Options.__annotations__.keys():
        raise BadTarget(_no_option(min(unknown)))
    tries, timeout, rate, deadline = (options.get(name) for name in ("tries", "timeout", "rate", "deadline"))
    pace = Pace(
        tries=None if tries is None else at_least("tries", tries, 1, MAX_TRIES),
        timeout=None if timeout is None else between("timeout", timeout, *TIMEOUT_S),
        rate=None if rate is None else between("rate", rate, *RATE, "probes a second"),
        deadline=None if deadline is None else between("deadline", deadline, *DEADLINE_S),
        blind_rate=POLITE_RATE if lab.current() is None else BLIND_RATE,
    )
    seed, watch = options.get("seed"), options.get("watch")
    if watch is not None and not callable(watch):
        raise BadTarget(
            f"watch={quoted(watch)} is not a function: it is shown the scan so far, and ends it by True, such as "
            "watch=lambda scan: len(scan) > 9."
        )
    chance = _random_bytes(None if seed is None else at_least("seed", seed, 0, 2**63))
    return Wanted(pace, chance, yes_or_no("progress", options.get("progress", True)), watch)


def _no_option(name: str) -> str:
    known = ["ports", *Options.__annotations__]
    close = difflib.get_close_matches(name, known, 1, 0.7)
    hint = f"Did you mean {close[0]!r}? " if close and close[0] != name else ""
    why = "A ping asks hosts, no ports. " if name == "ports" else ""
    return f"There is no option {name!r} here. {hint}{why}A scan takes {', '.join(Options.__annotations__)}."


def _scan(
    name: str, wanted: Wanted, hosts: Targets, asked: Asked, payload: NDArray[np.uint8] | None = None
) -> Scan:
    kind = technique(name)
    scope.check(asked.address)
    pace = _permitted(wanted.pace, hosts)
    wire = open_wire(kind)
    tell, stop_telling = _teller(f"{name} scan", wanted.progress)
    try:
        if kind.PROTOCOL == "arp":
            asked = _on_link(wire, asked)
        asked.address.setflags(write=False)  # `watch` is shown what was checked, and cannot change it
        loop = Loop(kind, asked, wire, pace, wanted.chance, tell, payload, wanted.watch)
        complete, stopped_by = loop.run()
        found = loop.conclude(complete, stopped_by, tuple(str(item) for item in scope.authorised()))
        found = replace(found, notes=hosts.notes())
        return _not_blamed(found, wire) if complete else found
    finally:
        stop_telling()
        wire.close()


def _permitted(pace: Pace, hosts: Targets) -> Pace:
    """The pace, as far as the permissions for these hosts allow it: their rate, and their end."""
    if rate := scope.allowed_rate(hosts.addresses, pace.rate):
        pace = replace(pace, rate=pace.rate or rate, lead=1 / rate)
    left, end = scope.first_end(hosts.addresses)
    if left < (pace.deadline or math.inf):
        pace = replace(pace, deadline=left, ends=f"the permission ended at {end}")
    return pace


def open_wire(kind: Technique | None = None) -> Wire:
    """The wire of the lab this process is in; outside a lab this machine's own.

    A technique that crafts its own packets needs a wire that may send them; connect() works on any.
    """
    here = lab.current()
    if here is not None:
        wire: Wire = lab.open_wire(here)
        return wire
    from portlab.wire import raw
    from portlab.wire.kernel import KernelWire

    if raw.permitted():
        return raw.RawWire()
    if kind is None or kind.NEEDS_RAW:
        from portlab.wire.kernel import NEEDS_RAW

        raise NotPermitted(NEEDS_RAW)
    return KernelWire()


def _on_link(wire: Wire, asked: Asked) -> Asked:
    """What ARP can be asked about: neighbours.  The own address is passed by, since nobody asks himself."""
    others = np.array([wire.source(address) != address for address in asked.address.tolist()], bool)
    asked = Asked(asked.address[others], asked.port[others], asked.names)
    if not len(asked):
        raise BadTarget(
            'This is your own address, and nobody asks himself by ARP. Use ping(..., method="icmp"), or ping '
            "other hosts of your own network."
        )
    far = [address for address in asked.address.tolist() if not wire.on_link(address)]
    if far:
        raise BadTarget(
            f"{asked.names.get(far[0], dotted(far[0]))!r} is not on this machine's own link, and ARP does not pass "
            'routers. Use ping(..., method="icmp"), or ping hosts of your own network.'
        )
    return asked


def _not_blamed(found: Scan, wire: Wire) -> Scan:
    """The same scan without the rows behind a next hop that never spoke, where nothing else was heard on the link.

    They were asked nothing, so nothing is said about them: it is this machine's own link that does not work.
    """
    frames = found.recorded.frames
    unreached = (found.reason == Reason.HOST_UNREACH.code) & (found.answered_by == 0)
    if (frames["direction"] == RECEIVED).any() or not unreached.any():
        return found
    if technique(found.technique).EVIDENCE == "errnos" and not found.recorded.seen.is_arp.any():
        return found  # nobody listened beside it
    near = [address for address in np.unique(found.address).tolist() if wire.on_link(address)]
    rows = unreached & ~np.isin(found.address, near)
    if not rows.any():
        return found
    why = (
        "this machine's own link is dead: not one frame came in, not even an answer to ARP from the next hop"
    )
    return replace(found.without(rows), complete=False, stopped_by=why)


def _random_bytes(seed: int | None) -> RandomBytes:
    return os.urandom if seed is None else random.Random(seed).randbytes


def _teller(text: str, wanted: bool) -> tuple[Tell, Callable[[], None]]:
    if not wanted:
        return (lambda done, total: None), (lambda: None)
    from portlab.view.progress_bar import ProgressBar

    bar = ProgressBar(text, time.monotonic)
    return bar, bar.close
