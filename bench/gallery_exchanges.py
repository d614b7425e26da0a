"""The gallery's exchanges: ladders, single packets, and what was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import portlab as pl
from lab_env import lab
from portlab.learn import recorded
from portlab.model import Exchange
from portlab.packets.dissect import Dissected
from portlab.view import anatomy, conversations, follow, ladders

SEED = 5
Made = Iterator[tuple[str, str, Any]]

ALONE = [
    ("SYN: open", "syn", "web", 80, "Three arrows; the SYN-ACK is thick, the kernel's RST begins with a diamond."),
    ("SYN: closed", "syn", "web", 9, "Two arrows, the RST-ACK decides."),
    ("SYN: dropped", "syn", "web", 22, "Each SYN fades; long silences are broken; the last one suggests filtered."),
    ("SYN: rejected, prohibited", "syn", "web", 8080, "A third lifeline: the gateway speaks."),
    ("SYN: rejected, port unreachable", "syn", "web", 8443, "As before, with another ICMP code."),
    ("SYN: reset in the host's name", "syn", "web", 3389, "As closed: the scanner cannot tell who sent the RST."),
    ("SYN: nobody there", "syn", "lost", 80, "Silence: the gateway speaks too late."),
    ("SYN: behind the slow link", "syn", "voip", 5060, "As open, with times in tens of milliseconds."),
    ("UDP: open", "udp", "infra", 53, "Dashed arrows: a query, an answer."),
    ("UDP: TFTP", "udp", "files", 69, "Open|filtered: the answer comes from a port nobody asked."),
    ("UDP: closed", "udp", "web", 9, "A dotted ICMP arrow back from the target itself."),
    ("UDP: rejected", "udp", "web", 161, "The same message, from the gateway."),
    ("UDP: silent", "udp", "ops", 514, "Silence suggests open|filtered: half disc, half stripes."),
    ("Ping: up", "ping", "files", None, "Dotted both ways; no port anywhere."),
    ("Ping: no answer", "ping", "quiet", None, "Silence says nothing about the host."),
    ("Ping: nobody on the link", "ping", "ghost", None, "Nobody answers ARP: a hint."),
    ("Ping by ARP: down", "ping-arp", "ghost", None, "On the own link, silence is enough."),
    ("Ping by ARP: up", "ping-arp", "files", None, "ARP both ways; no IP at all."),
    ("ACK: unfiltered", "ack", "web", 80, "RST to an ACK nobody expected: it came through."),
    ("ACK: filtered", "ack", "db", 22, "Silence."),
    ("FIN: open|filtered", "fin", "web", 80, "Silence from an open port."),
    ("Xmas: closed", "xmas", "web", 9, "RST-ACK."),
    ("NULL: a host that resets all", "null", "desk", 3389, "Closed, though it is open: with a caveat."),
    ("Connect: open", "connect", "web", 80, "Handshake and goodbye, all by the kernel: no marks."),
    ("Connect: refused", "connect", "web", 9, "RST-ACK; the error that connect() brought."),
    ("Connect: silent", "connect", "web", 22, "The kernel repeats its SYN by its own timer."),
    ("Connect: rejected", "connect", "web", 8443, "Reported as refused, though the gateway said so."),
]  # fmt: skip

TOGETHER = [
    ("Both ends: open", "syn", "web", 80, "Web's own recording: the times at each lifeline."),
    ("Both ends: dropped", "syn", "web", 22, "The SYN dies at the gateway; web saw nothing of this."),
    ("Both ends: rejected", "syn", "web", 8080, "The SYN dies at the gateway, which answers."),
    ("Both ends: forged reset", "syn", "web", 3389, "The RST begins at the gateway, in web's name."),
    ("Both ends: UDP closed", "udp", "web", 9, "The ICMP message begins at web."),
    ("Both ends: connect", "connect", "web", 80, "Six segments on three lifelines."),
]


ANSWER = (
    Ether(src="02:00:0a:4d:01:0a", dst="02:00:0a:4d:01:64")
    / IP(src="10.77.1.10", dst="10.77.1.100")
    / UDP(sport=53, dport=40_000)
    / DNS(id=7, qr=1, rd=1, qd=DNSQR(qname="web.lab"), an=DNSRR(rrname="web.lab", ttl=60, rdata="10.77.2.10"))
)


def exchange(technique: str, host: str, port: int | None) -> Exchange:
    """One simulated question and what came of it; "ping-arp" is a ping by that method."""
    if port is None:
        method = technique.partition("-")[2] or "icmp"
        return pl.ping(host, method=method, seed=SEED, progress=False).exchange(host)
    scan = getattr(pl, f"{technique}_scan")(host, port, seed=SEED, progress=False)
    found: Exchange = scan.exchange(host, port)
    return found


def ladders_alone() -> Made:
    """Each verdict there is, as the scanner saw it."""
    for name, technique, host, port, look_for in ALONE:
        yield name, look_for, exchange(technique, host, port)


def both_ends() -> Made:
    """With the recordings of the gateway and the target."""
    for name, technique, host, port, look_for in TOGETHER:
        with lab.recording("gateway", host) as seen:
            asked = exchange(technique, host, port)
        yield name, look_for, asked.both_ends(seen)


def side_by_side() -> Made:
    """Ladders to be compared."""
    doors = [exchange("syn", *door) for door in (("web", 443), ("web", 10), ("db", 10))]
    yield "Three ladders", "Open, closed, silent: same order of everything, badges inside.", ladders(*doors)
    refusals = [exchange("syn", "vault", 22), exchange("connect", "web", 8080)]
    yield "Two ladders with three lifelines", "The gateway's lifeline in both.", ladders(*refusals)


def anatomies() -> Made:
    """One packet of each kind."""
    connect = exchange("connect", "mail", 25)
    yield (
        "TCP SYN with options",
        "MSS, SACK, timestamps, window scale: each its own field.",
        anatomy(connect.frames[0]),
    )
    yield "ARP", "Who has ...?  No IP header.", anatomy(_first(exchange("ping", "ghost", None), "is_arp"))
    error = exchange("syn", "web", 8080)
    yield (
        "ICMP error with its quote",
        "The quoted IP and TCP headers drawn as a packet inside.",
        anatomy(error.frames[-1]),
    )
    dns = exchange("udp", "infra", 53)
    yield "DNS query", "Header bits, question.", anatomy(dns.frames[0])
    yield "DNS answer, refused", "The same id; RCODE says no.", anatomy(dns.frames[-1])
    yield "DNS answer, made by Scapy", "Names, type, class, TTL and address of the answer.", anatomy(ANSWER)
    doors = recorded("mail_doors").frames
    hello = next(frame for frame in doors if bytes(frame["data"][66:69]) == b"\x16\x03\x01")
    yield "TLS hello", "The record and the handshake message in clear.", anatomy(hello)


def _first(asked: Exchange, kind: str) -> Any:
    return asked.frames[getattr(Dissected(asked.frames), kind)][0]


def streams() -> Made:
    """What both sides said, readable and not."""
    log_ins, doors = recorded("log_ins"), recorded("mail_doors")
    telnet, ssh = follow(log_ins, "ops", 23), follow(log_ins, "ops", 22)
    yield (
        "Telnet and SSH",
        "The password in plain sight beside bytes nobody can read.",
        conversations(telnet, ssh),
    )
    yield "SMTP with STARTTLS", "Clear until STARTTLS, then TLS.", follow(doors, "mail", 587)
    yield "A captured list", "Frames numbered, with names.", recorded("banner")
