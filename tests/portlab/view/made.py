"""Scans made without a network: packets built by Scapy (the outside judge), verdicts by PortLab's own technique."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any

import numpy as np
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, TCPerror, UDPerror
from scapy.layers.l2 import ARP, Ether

from portlab.addresses import number
from portlab.evidence.result import Scan
from portlab.evidence.true_times import with_true_times
from portlab.evidence.verdict import NO_PORT, Asked, conclude
from portlab.model import ERRNO, FRAME, PROBE, RECEIVED, SENT, Events, Exchange, no_errnos
from portlab.techniques import technique as find_technique
from portlab.techniques.matching import ProbeTable, identification
from portlab.techniques.payloads import CODES

START = 1_700_000_000_000_000_000
SCANNER, GATEWAY, WEB, GHOST = "10.77.1.100", "10.77.1.1", "10.77.2.10", "10.77.1.99"
US, MS, S = 1_000, 1_000_000, 1_000_000_000
TOKEN = 1_000_000
SOURCE_PORT = 40_000


@dataclass(frozen=True)
class Try:
    """One probe, `at` ns after the start, and what came for it."""

    at: int
    packets: tuple[tuple[int, bool, Any], ...] = ()  # (ns after the start, sent, Scapy packet)
    errno: tuple[int, int, tuple[int, int, str] | None] | None = None  # (ns, errno, error queue)


def frame(at: int, sent: bool, packet: Any) -> np.ndarray:
    raw = bytes(
        packet if packet.haslayer(Ether) else Ether(src="02:00:0a:4d:01:01", dst="02:00:0a:4d:01:64") / packet
    )
    row = np.zeros(1, FRAME)
    row["time_ns"], row["direction"] = START + at, SENT if sent else RECEIVED
    row["length"], row["captured"] = len(raw), min(len(raw), 128)
    row["data"][0, : len(raw)] = np.frombuffer(raw[:128], np.uint8)
    return row


def scan(
    technique: str,
    tries: list[Try],
    port: int | None = 80,
    host: str = "web",
    address: str = WEB,
    ended: int = 3 * S,
    **more: Any,
) -> Scan:
    probes = np.zeros(len(tries), PROBE)
    for i, one in enumerate(tries):
        payload = CODES["dns"] if port == 53 and technique == "udp" else 0
        far, near = (0, 0) if technique == "ping-arp" else (1 if port is None else port, SOURCE_PORT + i)
        probes[i] = (
            START + one.at,
            0,
            number(address),
            number(SCANNER),
            TOKEN + i,
            far,
            near,
            i + 1,
            payload,
            0,
            0,
        )
    packets = sorted((p for one in tries for p in one.packets), key=lambda p: p[0])
    frames = np.concatenate([frame(*p) for p in packets]) if packets else np.empty(0, FRAME)
    ends = [(i, one.errno) for i, one in enumerate(tries) if one.errno]
    errnos = np.zeros(len(ends), ERRNO) if ends else no_errnos()
    for i, (probe, (at, code, queue)) in enumerate(ends):
        type_, icmp_code, by = queue or (-1, -1, "0.0.0.0")
        errnos[i] = (START + at, 0, probe, code, type_, icmp_code, number(by))
    asked = Asked(
        np.array([number(address)], np.uint32),
        np.array([NO_PORT if port is None else port], np.int32),
        {number(address): host},
    )
    how = find_technique(technique)
    probes, events = with_true_times(probes, Events(frames, errnos), how.PROTOCOL)
    findings = conclude(
        how, asked, probes, events, how.recognise(events, ProbeTable(probes)), np.zeros(1, bool)
    )
    facts = {
        "fidelity": "embedded",
        "complete": True,
        "authorised": (),
        "lost_here": 0,
        "elapsed_s": ended / S,
    } | more
    return Scan(
        technique, started_ns=START, asked=asked, findings=findings, probes=probes, recorded=events, **facts
    )


def exchange(*args: Any, **kwargs: Any) -> Exchange:
    made = scan(*args, **kwargs)
    return made._exchange(0)


def syn(i: int = 0, port: int = 80, to: str = WEB) -> Any:
    return IP(src=SCANNER, dst=to, id=int(identification(np.uint32(TOKEN + i)))) / TCP(
        sport=SOURCE_PORT + i, dport=port, seq=TOKEN + i, flags="S"
    )


def tcp_back(
    flags: str, seq: int = 0, i: int = 0, port: int = 80, ttl: int = 63, ack: int | None = None
) -> Any:
    ack = TOKEN + i + 1 if ack is None else ack
    return IP(src=WEB, dst=SCANNER, ttl=ttl) / TCP(
        sport=port, dport=SOURCE_PORT + i, seq=seq, ack=ack, flags=flags
    )


def kernel_rst(i: int = 0, port: int = 80) -> Any:
    return IP(src=SCANNER, dst=WEB) / TCP(sport=SOURCE_PORT + i, dport=port, seq=TOKEN + i + 1, flags="R")


def datagram(i: int = 0, port: int = 514, data: bytes = b"") -> Any:
    return (
        IP(src=SCANNER, dst=WEB, id=int(identification(np.uint32(TOKEN + i))))
        / UDP(sport=SOURCE_PORT + i, dport=port)
        / data
    )


def icmp_error(code: int, about: Any, by: str = GATEWAY, ttl: int = 64, type_: int = 3) -> Any:
    inner = bytes(about)[:28]
    quoted = IPerror(inner)
    assert quoted.haslayer(TCPerror) or quoted.haslayer(UDPerror)
    return IP(src=by, dst=SCANNER, ttl=ttl) / ICMP(type=type_, code=code) / inner


def echo(reply: bool = False) -> Any:
    data = TOKEN.to_bytes(4, "big") + bytes(52)
    ip = IP(src=WEB, dst=SCANNER, ttl=63) if reply else IP(src=SCANNER, dst=WEB)
    return ip / ICMP(type=0 if reply else 8, id=SOURCE_PORT, seq=1) / data


def arp(reply: bool = False) -> Any:
    if reply:
        return Ether(dst="02:00:0a:4d:01:64") / ARP(op=2, hwsrc="02:00:0a:4d:01:63", psrc=GHOST, pdst=SCANNER)
    return Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, psrc=SCANNER, pdst=GHOST)


def dropped(count: int = 3, make: Any = syn, port: int = 80) -> list[Try]:
    at = [(2**i - 1) * 250 * MS for i in range(count)]
    return [Try(t, ((t, True, make(i, port=port)),)) for i, t in enumerate(at)]


SYN_OPEN = [Try(0, ((0, True, syn()), (84 * US, False, tcp_back("SA", 777)), (97 * US, True, kernel_rst())))]
SYN_CLOSED = [Try(0, ((0, True, syn(port=9)), (71 * US, False, tcp_back("RA", port=9))))]
SYN_REJECTED = [Try(0, ((0, True, syn(port=8080)), (62 * US, False, icmp_error(13, syn(port=8080)))))]
LATE = [
    Try(0, ((0, True, syn()),)),
    Try(
        250 * MS,
        (
            (250 * MS, True, syn(1)),
            (290 * MS, False, tcp_back("SA", 9, 1)),
            (290 * MS + 20, True, kernel_rst(1)),
        ),
    ),
]
CONNECT_OPEN = [
    Try(
        0,
        (
            (11 * US, True, syn()),
            (91 * US, False, tcp_back("SA", 5)),
            (
                103 * US,
                True,
                IP(src=SCANNER, dst=WEB) / TCP(sport=SOURCE_PORT, dport=80, seq=TOKEN + 1, ack=6, flags="A"),
            ),
            (
                180 * US,
                True,
                IP(src=SCANNER, dst=WEB) / TCP(sport=SOURCE_PORT, dport=80, seq=TOKEN + 1, ack=6, flags="RA"),
            ),
        ),
        (150 * US, 0, None),
    )
]
CONNECT_8443 = [
    Try(
        0,
        ((11 * US, True, syn(port=8443)), (91 * US, False, icmp_error(3, syn(port=8443)))),
        (130 * US, errno.ECONNREFUSED, (3, 3, GATEWAY)),
    )
]
CONNECT_TIMEOUT = [
    Try(
        0,
        ((11 * US, True, syn(port=22)), (1 * S, True, syn(port=22)), (3 * S, True, syn(port=22))),
        (7 * S, errno.ETIMEDOUT, None),
    )
]
UDP_OPEN = [
    Try(
        0,
        (
            (0, True, datagram(port=53, data=b"q" * 29)),
            (
                318 * US,
                False,
                IP(src=WEB, dst=SCANNER, ttl=63) / UDP(sport=53, dport=SOURCE_PORT) / (b"a" * 61),
            ),
        ),
    )
]
UDP_CLOSED = [
    Try(0, ((0, True, datagram(port=69)), (75 * US, False, icmp_error(3, datagram(port=69), WEB, 63))))
]
PING = [Try(0, ((0, True, echo()), (58 * US, False, echo(True))))]

ARP_UP = [Try(0, ((0, True, arp()), (40 * US, False, arp(True))))]
ARP_DOWN = [Try(0, ((0, True, arp()), (S, True, arp())))]
FROM_FIREWALL = [Try(0, ((0, True, syn(port=3389)), (30 * US, False, tcp_back("RA", port=3389, ttl=64))))]

EXCHANGES = {
    "syn open": lambda: exchange("syn", SYN_OPEN),
    "syn closed": lambda: exchange("syn", SYN_CLOSED, 9),
    "syn dropped": lambda: exchange("syn", dropped(port=22), 22),
    "syn dropped often": lambda: exchange("syn", dropped(12, port=22), 22, ended=2000 * S),
    "syn rejected": lambda: exchange("syn", SYN_REJECTED, 8080),
    "syn reset by firewall": lambda: exchange("syn", FROM_FIREWALL, 3389),
    "syn late": lambda: exchange("syn", LATE),
    "syn simulated": lambda: exchange("syn", SYN_OPEN, fidelity="simulated"),
    "connect open": lambda: exchange("connect", CONNECT_OPEN),
    "connect 8443": lambda: exchange("connect", CONNECT_8443, 8443),
    "connect timeout": lambda: exchange("connect", CONNECT_TIMEOUT, 22, ended=7 * S),
    "connect blind": lambda: exchange("connect", [Try(0, (), (80 * US, errno.ECONNREFUSED, None))], 9),
    "udp open": lambda: exchange("udp", UDP_OPEN, 53),
    "udp closed": lambda: exchange("udp", UDP_CLOSED, 69),
    "udp silent": lambda: exchange("udp", dropped(2, datagram, 514), 514),
    "ping": lambda: exchange("ping", PING, None),
    "ping arp up": lambda: exchange("ping-arp", ARP_UP, None, "ghost", GHOST),
    "ping arp down": lambda: exchange("ping-arp", ARP_DOWN, None, "ghost", GHOST),
}


WEB_RECORDS = ("gateway", "web")


@dataclass(frozen=True)
class Recording:
    """As lab.recording() gives it."""

    hosts: tuple[str, ...]
    frames: np.ndarray


def recording(*seen: tuple[str, int, bool, Any], hosts: tuple[str, ...] = WEB_RECORDS) -> Recording:
    """What observers saw: (host, ns after the start, whether it left there, Scapy packet)."""
    dtype = [*FRAME.descr, ("observer", "U16"), ("interface", "U16")]
    frames = np.zeros(len(seen), dtype)
    for i, (host, at, left, packet) in enumerate(seen):
        row = frame(at, left, packet)
        for name in FRAME.names or ():
            frames[name][i] = row[name][0]
        frames["observer"][i], frames["interface"][i] = host, "eth0"
    return Recording(hosts, frames)


def through(
    at: int, packet: Any, first: str = "gateway", then: str = "web"
) -> list[tuple[str, int, bool, Any]]:
    """A packet that one observer passes on and another receives, 10 µs apart."""
    return [
        (first, at, False, packet),
        (first, at + 4 * US, True, packet),
        (then, at + 14 * US, False, packet),
    ]


def back_through(at: int, packet: Any) -> list[tuple[str, int, bool, Any]]:
    """A packet that web sends and the gateway passes on."""
    return [
        ("web", at, True, packet),
        ("gateway", at + 9 * US, False, packet),
        ("gateway", at + 12 * US, True, packet),
    ]


def _refused() -> Exchange:
    """RST in web's name, made by the gateway: only the recordings tell."""
    syn_3389, reset = syn(port=3389), tcp_back("RA", port=3389, ttl=64)
    seen = recording(("gateway", 11 * US, False, syn_3389), ("gateway", 19 * US, True, reset))
    return EXCHANGES["syn reset by firewall"]().both_ends(seen)


def _answer_lost() -> Exchange:
    """The SYN-ACK to the first try gets as far as the gateway; the second try is answered."""
    sent = [*through(10 * US, syn()), *back_through(30 * US, tcp_back("SA", 9))[:2]]
    again = [*through(250 * MS + 10 * US, syn(1)), *back_through(270 * MS, tcp_back("SA", 9, 1))]
    reset = through(290 * MS + 30 * US, kernel_rst(1))
    return EXCHANGES["syn late"]().both_ends(recording(*sent, *again, *reset))


RECORDED = {
    "open": lambda: EXCHANGES["syn open"]().both_ends(
        recording(
            *through(20 * US, syn()),
            *back_through(45 * US, tcp_back("SA", 777)),
            *through(110 * US, kernel_rst()),
        )
    ),
    "dropped": lambda: EXCHANGES["syn dropped"]().both_ends(
        recording(
            *(("gateway", t + 21 * US, False, syn(i, 22)) for i, t in enumerate((0, 250 * MS, 750 * MS)))
        )
    ),
    "dropped often": lambda: EXCHANGES["syn dropped often"]().both_ends(
        recording(
            *(("gateway", (2**i - 1) * 250 * MS + 9 * US, False, syn(i, 22)) for i in range(12)),
        )
    ),
    "rejected": lambda: EXCHANGES["syn rejected"]().both_ends(
        recording(
            ("gateway", 20 * US, False, syn(port=8080)),
            ("gateway", 41 * US, True, icmp_error(13, syn(port=8080))),
        )
    ),
    "refused in web's name": _refused,
    "lost behind the gateway": lambda: EXCHANGES["syn dropped"]().both_ends(
        recording(
            *(
                seen
                for i, t in enumerate((0, 250 * MS, 750 * MS))
                for seen in through(t + 20 * US, syn(i, 22))[:2]
            )
        )
    ),
    "answer lost": _answer_lost,
    "swallowed by web": lambda: EXCHANGES["udp silent"]().both_ends(
        recording(*(seen for i, t in enumerate((0, 250 * MS)) for seen in through(t + 20 * US, datagram(i))))
    ),
    "only the gateway": lambda: EXCHANGES["syn open"]().both_ends(
        recording(
            *through(20 * US, syn())[:2], *back_through(45 * US, tcp_back("SA", 777))[1:], hosts=("gateway",)
        )
    ),
    "connect 8443": lambda: EXCHANGES["connect 8443"]().both_ends(
        recording(
            ("gateway", 30 * US, False, syn(port=8443)),
            ("gateway", 60 * US, True, icmp_error(3, syn(port=8443))),
        )
    ),
}
"""Exchanges with what the gateway and web recorded of them."""


def by_hand(*packets: tuple[int, bool, Any]) -> Exchange:
    """What pl.send() gives back: frames and the packet that asked; nothing is concluded."""
    frames = np.concatenate([frame(*packet) for packet in packets])
    first = packets[0][2]
    probe = np.zeros(1, PROBE)
    probe["address"], probe["source"], probe["attempt"] = number(first[IP].dst), number(first[IP].src), 1
    probe["source_port"], probe["port"], probe["token"] = first.sport, first.dport, first.seq
    return Exchange(None, frames, no_errnos(), probe, None, START + S)


def forty(times: int = 1) -> Exchange:
    """A conversation of forty frames, twenty each way, or of some times as many."""
    packets = []
    for i in range(40 * times):
        ends = (SCANNER, WEB) if i % 2 == 0 else (WEB, SCANNER)
        ports = (5, 80) if i % 2 == 0 else (80, 5)
        segment = TCP(sport=ports[0], dport=ports[1], seq=i, ack=i, flags="PA")
        packets.append((i * 1000, i % 2 == 0, IP(src=ends[0], dst=ends[1]) / segment / b"x"))
    return by_hand(*packets)
