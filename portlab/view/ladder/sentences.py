"""What each row of a ladder means, in one sentence: actor, verb, packet, meaning; at most 25 words.

A TCP answer is told as coming "in the host's name": a firewall may speak for it, and the address alone cannot tell.
"""

from __future__ import annotations

from portlab.packets.headers import (
    ACK,
    ARP_REPLY,
    ECHO_REPLY,
    ECHO_REQUEST,
    FIN,
    PSH,
    RST,
    SYN,
    TIME_EXCEEDED,
    TIMESTAMP,
    TIMESTAMP_REPLY,
    UNREACHABLE,
    URG,
)
from portlab.view.ladder.packet import PacketFields, flags_name
from portlab.view.ladder.story import Actor, Speaker

PROHIBITED = (9, 10, 13)
UNREACHABLE_MEANS = {
    0: "it knows no way to that network",
    1: "it cannot reach the host",
    2: "it claims that the whole protocol is not supported",
    3: "it says that the port cannot be reached, though only the host itself can know",
}


def of_packet(
    packet: PacketFields,
    speaker: Speaker,
    attempt: int,
    repeated: bool,
    actors: tuple[Actor, Actor],
    is_connect: bool,
    answered: bool,
) -> str:
    """The sentence of a packet; `attempt` is 0 where it is no probe, `repeated`: the same ports have asked before,
    `answered`: something came back before, `actors`: who sent it, and who was asked.
    """
    sender, target = actors
    if packet.damaged:
        return (
            f"{packet.what} with a wrong checksum: whoever receives it throws it away, so it is no evidence."
        )
    match speaker:
        case Speaker.SCANNER:
            return _question(packet, target) if attempt <= 1 else _asked_again(attempt, answered)
        case Speaker.KERNEL if packet.protocol == "tcp":
            return _connecting(packet, attempt, repeated, answered) if is_connect else _kernel(packet)
        case Speaker.KERNEL:
            return f"The scanner's kernel sends {packet.what} by itself."
    match packet.protocol:
        case "tcp":
            return _tcp_answer(packet, target)
        case "udp":
            return f"A datagram comes back from port {packet.far}: a program answers."
        case "arp" if packet.arp_operation == ARP_REPLY:
            return (
                f"{sender.name} answers ARP: {sender.address} is here, at hardware address {packet.hardware}."
            )
        case "icmp":
            return _icmp_answer(packet, speaker, sender)
    return f"{sender.name} sends {packet.what}."


def _asked_again(attempt: int, answered: bool) -> str:
    if answered:
        return f"The scanner asks again, although it had an answer: try {attempt}."
    return f"No answer so far, so the scanner asks again: try {attempt}."


def _question(packet: PacketFields, target: Actor) -> str:
    """A probe, the first time."""
    match packet.protocol:
        case "tcp" if packet.control_bits == SYN:
            return f"The scanner sends SYN: may I open a connection to port {packet.far}?"
        case "tcp" if packet.control_bits == ACK:
            return "The scanner sends ACK, as if there were a connection: a host without one must answer RST."
        case "tcp":
            return f"The scanner sends {flags_name(packet.control_bits)}, which no ordinary connection begins with."
        case "udp" if packet.data_length:
            return f"The scanner sends a datagram to port {packet.far}: a question for its usual service."
        case "udp":
            return f"The scanner sends an empty datagram to port {packet.far}."
        case "arp":
            return f"The scanner asks everybody on the link: who has {target.address}?"
        case "icmp" if packet.icmp == (ECHO_REQUEST, 0):
            return "The scanner asks for an echo."
        case "icmp" if packet.icmp == (TIMESTAMP, 0):
            return "The scanner asks for a timestamp."
    return f"The scanner sends {packet.what}."


def _kernel(packet: PacketFields) -> str:
    if packet.control_bits & RST:
        return (
            "The scanner's own kernel knows of no such connection and answers RST: no handshake is finished."
        )
    return f"The scanner's own kernel sends {packet.what} by itself."


def _connecting(packet: PacketFields, attempt: int, repeated: bool, answered: bool) -> str:
    """What the kernel sends for connect() and close()."""
    if attempt > 1 and not repeated:
        return f"connect() makes the kernel send a new SYN, from another port: try {attempt}."
    if repeated and answered:
        return f"The kernel repeats its SYN, although something came back: same ports, try {attempt}."
    if repeated:
        return f"No answer so far, so the kernel repeats its SYN: same ports, same number, try {attempt}."
    bits = packet.control_bits & (SYN | ACK | FIN | RST | PSH)
    if bits == SYN:
        return "connect() makes the kernel send SYN."
    if bits == ACK:
        return "The kernel completes the handshake with ACK: now the program at the other end can see us."
    if bits & RST:
        return "The scanner has its answer and closes at once: the kernel sends RST."
    return f"The kernel sends {packet.what}."


def _tcp_answer(packet: PacketFields, target: Actor) -> str:
    bits = packet.control_bits & (SYN | ACK | FIN | RST | PSH | URG)
    if bits == SYN | ACK:
        return f"SYN-ACK comes back in {target.name}'s name: a program listens on port {packet.far}."
    if bits == RST | ACK:
        return f"RST-ACK comes back in {target.name}'s name: nobody listens on port {packet.far}."
    if bits & RST:
        return f"RST comes back in {target.name}'s name: it knows of no such connection."
    return f"{packet.what} comes back in {target.name}'s name."


def _icmp_answer(packet: PacketFields, speaker: Speaker, sender: Actor) -> str:
    type_, code = packet.icmp or (0, 0)
    named = sender.scanners_name if sender.scanners_name not in ("", Speaker.OTHER) else sender.address
    who = f"{named} itself" if speaker is Speaker.TARGET else named
    if type_ == ECHO_REPLY:
        return "The echo comes back: the host's IP software is running. It says nothing about any port."
    if type_ == TIMESTAMP_REPLY:
        return "The timestamp comes back: the host's IP software is running."
    if type_ == TIME_EXCEEDED:
        return f"{who} quotes our packet: it ran out of hops there."
    if type_ == UNREACHABLE and code in PROHIBITED:
        return f"{who} quotes our packet and says that it is not allowed: a filter speaks."
    if (type_, code) == (UNREACHABLE, 3) and speaker is Speaker.TARGET:
        return f"{who} quotes our packet and says that its port {packet.far} cannot be reached."
    if type_ == UNREACHABLE:
        return f"{who} quotes our packet: {UNREACHABLE_MEANS.get(code, 'it cannot be delivered')}."
    return f"{who} sends {packet.what}."


def of_silence(length: str, gives_up: bool, tries: int, asks_again: bool, answered: bool) -> str:
    """The sentence of a wait in which nothing came; `length` is how long, with its
    unit; `answered`: something came before.
    """
    if asks_again and answered:
        return f"Nothing more arrives for {length}; then the same is asked again."
    if asks_again:
        return f"Nothing arrives for {length}: the timer runs out, and the same is asked again."
    if not gives_up:
        return f"Nothing arrives for {length}."
    asked = "once" if tries == 1 else f"{tries} times"
    return f"Nothing arrives for {length}. The scanner has asked {asked} and gives up."


CONNECT_RETURNS = {
    "": "The program asks its own kernel for a connection.",
    "0": "connect() succeeds: the handshake is complete.",
    "ECONNREFUSED": "The kernel tells the program: connection refused.",
    "ETIMEDOUT": "The waiting ends without any answer.",
    "EHOSTUNREACH": "The kernel tells the program: no route to host. A filter that refuses sounds like this, too.",
    "ENETUNREACH": "The kernel tells the program: network unreachable. A filter may sound like this, too.",
    "EACCES": "The own machine does not let the connection out.",
    "EPERM": "The own machine does not let the connection out.",
}


def of_call(name: str, error: str) -> str:
    """The sentence of connect() being called ("") or returning ("0" or the name of its errno).

    `error` is the ICMP message that the socket's error queue kept ("" if none).
    """
    told = CONNECT_RETURNS.get(name, f"The kernel tells the program: {name}.")
    return f"{told} Its error queue kept why: {error}." if error else told
