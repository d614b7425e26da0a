"""The scans as functions: ping, connect_scan, syn_scan, udp_scan, and send for a packet made by hand.

Each of them does the same few things: understand what was typed, check the resolved addresses, open the wire,
run the loop, conclude.  Nothing is sent before the check.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from portlab import lab, scope
from portlab.addresses import dotted, number
from portlab.errors import BadTarget, MalformedPacket, NotPermitted
from portlab.loop import Loop
from portlab.model import FRAME, PROBE, RECEIVED, SENT, SNAP, Exchange, Frames, no_errnos, no_frames
from portlab.pacing import BLIND_RATE, MAX_TRIES, POLITE_RATE, Pace
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_IPV4, IPV4, IPV4_SIZE
from portlab.result import Scan
from portlab.targets import at_least, limit_probes, positive
from portlab.targets import ports as port_numbers
from portlab.targets import targets as target_addresses
from portlab.techniques import Technique, payloads, technique
from portlab.verdict import NO_PORT, Asked
from portlab.wire import Wire

if TYPE_CHECKING:
    from portlab.loop import Progress, RandomBytes, Watch

PING_METHODS = {
    "icmp": "ping",
    "timestamp": "ping-timestamp",
    "arp": "ping-arp",
    "syn": "ping-syn",
    "ack": "ping-ack",
}
LINGER_S = 0.2
"""After the first answer to a packet made by hand: time for what follows it, such as the kernel's own RST."""


class Options(TypedDict, total=False):
    """What every scan can be told; left out, PortLab decides.

    `tries`: how often a silent port is asked (by itself: as often as the loss measured demands, so that an
    answering port is missed with a chance of at most one in a million).  `timeout`: seconds to wait after the
    last try (from the round-trip times measured).  `rate`: probes a second at most.  `deadline`: seconds for
    the whole scan.  `seed`: a number for tokens and order that can be repeated.  `progress`: whether to show
    a bar after the first second.  `watch`: a function that is shown, up to five times a second, the Scan as it
    would be if it ended now; where it answers True, the scan ends.
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

    `method` is "icmp" (an echo), "timestamp", "arp" (own link only), "syn" or "ack".  For the others see
    `Options`.
    """
    if method not in PING_METHODS:
        raise BadTarget(f"There is no ping method {method!r}. PortLab knows {', '.join(PING_METHODS)}.")
    hosts = target_addresses(target)
    asked = Asked(hosts.addresses, np.full(len(hosts.addresses), NO_PORT, np.int32), _names() | hosts.names)
    return _scan(PING_METHODS[method], asked, options)


def connect_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Let the operating system connect to each port.  Needs no special rights; the program behind can see it.

    With `timeout=20, tries=1` the kernel's own patience can be watched.  For all options see `Options`.
    """
    return _scan("connect", _asked(target, ports, "tcp"), options)


def syn_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send a SYN to each port and read what comes back; the handshake is never finished.

    `target`: names, addresses, CIDRs, ranges, or a list of them.  `ports`: a number, a list, "20-25,80",
    "common", "all".  For the options see `Options`.
    """
    return _scan("syn", _asked(target, ports, "tcp"), options)


def udp_scan(
    target: Any, ports: Any = "common", *, payload: str | None = None, **options: Unpack[Options]
) -> Scan:
    """Send a datagram to each port; silence means open or filtered.

    Ports 53, 67, 123 and 161 are asked a proper question of their protocol, others get an empty datagram,
    unless `payload` names one ("empty", "dns", "dhcp", "ntp", "snmp", "sip", "tftp").  Hosts limit their ICMP
    errors: without `tries`, PortLab keeps asking silent ports until the host's next error would be due.  See
    `Options`.
    """
    asked = _asked(target, ports, "udp")
    return _scan("udp", asked, options, payloads.choose(asked.port.astype(np.uint16), payload))


def fin_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send a FIN to each port: RST means closed, silence open or filtered.  For the options see `Options`."""
    return _scan("fin", _asked(target, ports, "tcp"), options)


def null_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send a segment without any flag to each port; read like a FIN scan.  For the options see `Options`."""
    return _scan("null", _asked(target, ports, "tcp"), options)


def xmas_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send FIN, PSH and URG at once to each port; read like a FIN scan.  For the options see `Options`."""
    return _scan("xmas", _asked(target, ports, "tcp"), options)


def maimon_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send FIN and ACK at once to each port; read like a FIN scan.  For the options see `Options`."""
    return _scan("maimon", _asked(target, ports, "tcp"), options)


def ack_scan(target: Any, ports: Any = "common", **options: Unpack[Options]) -> Scan:
    """Send an ACK to each port: RST means that no filter was in the way.  For the options see `Options`."""
    return _scan("ack", _asked(target, ports, "tcp"), options)


def _asked(target: Any, ports: Any, protocol: str) -> Asked:
    """Every port of every host: one row each."""
    hosts = target_addresses(target)
    numbers = port_numbers(ports, protocol)
    limit_probes(len(hosts.addresses), len(numbers))
    address = np.repeat(hosts.addresses, len(numbers)).astype(np.uint32)
    return Asked(address, np.tile(numbers, len(hosts.addresses)).astype(np.int32), _names() | hosts.names)


def _names() -> dict[int, str]:
    """How the lab calls its addresses, also those that only answer for others, such as the gateway's."""
    here = lab.current()
    return {number(a): name for name, addresses in here.hosts.items() for a in addresses} if here else {}


def _pace(options: Options) -> Pace:
    """The options, each checked: BadTarget quotes the one that cannot be."""
    if unknown := options.keys() - Options.__annotations__.keys():
        raise BadTarget(
            f"There is no option {sorted(unknown)[0]!r}. A scan takes {', '.join(Options.__annotations__)}."
        )
    tries, timeout, rate, deadline = (options.get(name) for name in ("tries", "timeout", "rate", "deadline"))
    return Pace(
        tries=None if tries is None else at_least("tries", tries, 1, MAX_TRIES),
        timeout=None if timeout is None else positive("timeout", timeout),
        rate=None if rate is None else positive("rate", rate, "probes a second"),
        deadline=None if deadline is None else positive("deadline", deadline),
        blind_rate=POLITE_RATE if lab.current() is None else BLIND_RATE,
    )


def _scan(name: str, asked: Asked, options: Options, payload: NDArray[np.uint8] | None = None) -> Scan:
    kind, pace = technique(name), _pace(options)
    scope.check(asked.address)
    wire = open_wire(kind)
    tell, stop_telling = _teller(f"{name} scan", options.get("progress", True))
    try:
        if kind.PROTOCOL == "arp":
            asked = _on_link(wire, asked)
        chance = _random_bytes(options.get("seed"))
        loop = Loop(kind, asked, wire, pace, chance, tell, payload, options.get("watch"))
        complete, stopped_by = loop.run()
        return loop.conclude(complete, stopped_by, tuple(str(item) for item in scope.authorised()))
    finally:
        stop_telling()
        wire.close()


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
    far = [address for address in asked.address.tolist() if not wire.on_link(address)]
    if far or not len(asked):
        name = asked.names.get(far[0], dotted(far[0])) if far else "your own address"
        raise BadTarget(
            f"{name!r} is not on this machine's own link, and ARP does not pass routers. "
            'Use ping(..., method="icmp"), or ping hosts of your own network.'
        )
    return asked


def _random_bytes(seed: int | None) -> RandomBytes:
    return os.urandom if seed is None else random.Random(at_least("seed", seed, 0, 2**63)).randbytes


def _teller(text: str, wanted: bool) -> tuple[Progress, Callable[[], None]]:
    if not wanted:
        return (lambda done, total: None), (lambda: None)
    from portlab.view.progress import Progress as Bar

    bar = Bar(text, time.monotonic)
    return bar, bar.close


# --- packets made by hand ---------------------------------------------------------------------------------


def send(packet: Any, *, timeout: float = 1.0) -> Exchange:
    """Send a packet made by hand (Scapy's IP/..., or bytes that begin with an IPv4 header) and keep what
    follows.

    The bytes go out as they are, wrong checksums included; only the destination is checked.  Waits `timeout`
    seconds for an answer, and a little longer for what follows one.  MalformedPacket where there is no IPv4
    destination to check.
    """
    data = _bytes_of(packet)
    header = np.frombuffer(data[:IPV4_SIZE], np.uint8).view(IPV4)[0]
    destination = int(header["destination_address"])
    timeout = positive("timeout", timeout)
    scope.check(np.array([destination], np.uint32))
    wire = open_wire()
    try:
        data = _with_source(packet, data, wire.source(destination))
        return _converse(wire, data, destination, timeout)
    finally:
        wire.close()


def _bytes_of(packet: Any) -> bytes:
    """The packet from its IPv4 header on."""
    if hasattr(packet, "haslayer"):  # one of Scapy's
        if not packet.haslayer("IP"):
            raise MalformedPacket(
                f"{packet.summary()!r} has no IPv4 layer. Begin with IP(dst=...)/ and build on it."
            )
        packet = packet["IP"]
    try:
        data = bytes(packet)
    except TypeError:
        raise MalformedPacket(f"{packet!r} is no packet. Give Scapy's IP(dst=...)/... or bytes.") from None
    if len(data) < IPV4_SIZE or data[0] >> 4 != 4:
        raise MalformedPacket(
            f"These {len(data)} bytes do not begin with an IPv4 header of {IPV4_SIZE} bytes (PortLab is IPv4 only)."
        )
    if int.from_bytes(data[2:4], "big") != len(data):
        raise MalformedPacket(
            f"The header's total_length says {int.from_bytes(data[2:4], 'big')}, but there are {len(data)} bytes."
        )
    return data


def _with_source(packet: Any, data: bytes, source: int) -> bytes:
    """Scapy guesses a source address from the machine it runs on; where nobody chose one, the lab's own is
    right.
    """
    if not hasattr(packet, "haslayer") or "src" in packet["IP"].fields:
        return data
    copy = packet["IP"].copy()
    copy.src = dotted(source)
    return bytes(copy)


def _converse(wire: Wire, data: bytes, destination: int, timeout: float) -> Exchange:
    wire.record_sent = True
    rows = np.frombuffer(data, np.uint8)[np.newaxis]
    heard: list[Frames] = []
    probes = _as_probe(rows, wire.clock_ns())
    reachable = bool(wire.resolve(np.array([destination], np.uint32), timeout).all())
    if reachable:
        wire.send(rows)
    end = wire.now() + timeout
    answered = False
    while (left := end - wire.now()) > 0:
        frames = wire.receive(left)
        heard.append(frames)
        if not answered and (Dissected(frames).is_ipv4 & (frames["direction"] == RECEIVED)).any():
            answered, end = True, min(end, wire.now() + LINGER_S)
    frames = np.concatenate(heard) if heard else no_frames()
    return Exchange(
        result=None,
        # where ARP was answered it is no part of the story
        frames=frames[Dissected(frames).is_ipv4] if reachable else frames,
        errnos=no_errnos(),
        probes=probes,
        decides=None,
        ended_ns=wire.clock_ns(),
        names=_names(),
    )


def _as_probe(packet: NDArray[np.uint8], time_ns: int) -> NDArray[np.void]:
    """A packet made by hand as a row of the probes table, so that its conversation can be told like any
    other.
    """
    frame = np.zeros(1, FRAME)
    size = min(packet.shape[1], SNAP - ETHERNET_SIZE)
    frame["data"][:, 12:14] = divmod(ETHERTYPE_IPV4, 256)
    frame["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + size] = packet[:, :size]
    frame["length"], frame["captured"] = packet.shape[1] + ETHERNET_SIZE, size + ETHERNET_SIZE
    frame["direction"] = SENT
    seen = Dissected(frame)
    probe = np.zeros(1, PROBE)
    probe["address"], probe["source"], probe["attempt"], probe["time_ns"] = (
        seen.destination,
        seen.source,
        1,
        time_ns,
    )
    if seen.is_icmp[0]:
        probe["source_port"], probe["port"] = seen.icmp_identifier, seen.icmp_sequence_number
    elif seen.is_tcp[0] or seen.is_udp[0]:
        probe["source_port"], probe["port"] = seen.source_port, seen.destination_port
        probe["token"] = seen.sequence_number if seen.is_tcp[0] else seen.identification
    return probe
