"""What a learner can predict: the state that will be reported, and the packet that will decide it.

Both lists follow from the technique's own table (its MEANINGS), with the wrong ideas that people have beside them.
"""

from __future__ import annotations

from enum import StrEnum

from portlab.errors import BadTarget
from portlab.model import Answer, PortResult, Reason, State
from portlab.techniques import technique


class Packet(StrEnum):
    """What decides a verdict, as a learner would call it."""

    SYN_ACK = "SYN-ACK"
    RST = "RST"
    DATAGRAM = "UDP datagram"
    ECHO_REPLY = "echo reply"
    TIMESTAMP_REPLY = "timestamp reply"
    ARP_REPLY = "ARP reply"
    ICMP_ERROR = "ICMP error"
    NOTHING = "nothing"

    @property
    def phrase(self) -> str:
        """With its article: "a SYN-ACK", "nothing at all"."""
        if self is Packet.NOTHING:
            return "nothing at all"
        return f"{'an' if self[0] in 'AIe' else 'a'} {self}"


BY_ANSWER = {
    Answer.SYN_ACK: Packet.SYN_ACK,
    Answer.SYN: Packet.SYN_ACK,  # half of one: no lesson tells them apart
    Answer.CONNECTED: Packet.SYN_ACK,
    Answer.RST: Packet.RST,
    Answer.REFUSED: Packet.RST,
    Answer.UDP_RESPONSE: Packet.DATAGRAM,
    Answer.ECHO_REPLY: Packet.ECHO_REPLY,
    Answer.TIMESTAMP_REPLY: Packet.TIMESTAMP_REPLY,
    Answer.ARP_REPLY: Packet.ARP_REPLY,
    Answer.NO_NEIGHBOUR: Packet.NOTHING,
    Answer.PERM_DENIED: Packet.NOTHING,
    Answer.SILENCE: Packet.NOTHING,
}
"""The packet behind each answer that is no ICMP error."""

BY_REASON = {
    Reason.SYN_ACK: Packet.SYN_ACK,
    Reason.SPLIT_HANDSHAKE_SYN: Packet.SYN_ACK,
    Reason.RESET: Packet.RST,
    Reason.UDP_RESPONSE: Packet.DATAGRAM,
    Reason.ECHO_REPLY: Packet.ECHO_REPLY,
    Reason.TIMESTAMP_REPLY: Packet.TIMESTAMP_REPLY,
    Reason.ARP_RESPONSE: Packet.ARP_REPLY,
    Reason.NO_RESPONSE: Packet.NOTHING,
}

ALSO_BELIEVED = {"tcp": (Packet.SYN_ACK, Packet.RST), "udp": (Packet.RST,)}
PORT_STATES = (State.OPEN, State.CLOSED, State.FILTERED)
HOST_STATES = (State.UP, State.NO_ANSWER, State.DOWN)


def packet_of(answer: Answer) -> Packet:
    """The packet behind an answer: Answer.RST is a RST, every unreachable an ICMP error."""
    return Packet.ICMP_ERROR if answer.is_icmp_error else BY_ANSWER[answer]


def decided_by(result: PortResult) -> Packet:
    """The packet that decided a verdict.  A refused connect() may have been an ICMP error: the error queue tells."""
    if result.reason in BY_REASON:
        return BY_REASON[result.reason]
    if result.icmp_type is not None:
        return Packet.ICMP_ERROR
    return Packet.RST if result.reason is Reason.CONN_REFUSED else Packet.NOTHING


def states_to_choose(name: str) -> list[State]:
    """The states that a technique can report, and those that people expect of it."""
    meanings = technique(name).MEANINGS.values()
    possible = {meaning.state for meaning in meanings}
    usual = HOST_STATES if possible & set(HOST_STATES) else PORT_STATES
    return sorted(possible | set(usual), key=lambda state: state.code)


def packets_to_choose(name: str) -> list[Packet]:
    """What can come back for a technique's probe, and what people expect; nothing at all is the last."""
    kind = technique(name)
    possible = {packet_of(answer) for answer in kind.MEANINGS}
    return [packet for packet in Packet if packet in possible | set(ALSO_BELIEVED.get(kind.PROTOCOL, ()))]


def says(name: str, packet: Packet) -> list[State]:
    """The states that such a packet would have meant, by the technique's own table."""
    meanings = technique(name).MEANINGS
    if packet is Packet.NOTHING:
        return [meanings[Answer.SILENCE].state]  # an ARP request without an answer is no answer to this probe
    states = {meaning.state for answer, meaning in meanings.items() if packet_of(answer) is packet}
    if packet is Packet.ICMP_ERROR and Answer.REFUSED in meanings:
        states.add(meanings[Answer.REFUSED].state)  # to connect(), a port unreachable sounds like a RST
    return sorted(states, key=lambda state: state.code)


def plain(words: str) -> str:
    """Letters and digits only: "SYN/ACK", "syn ack" and "SYN-ACK" are the same."""
    return "".join(character for character in words.casefold() if character.isalnum())


def read_state(name: str, words: str) -> State:
    """The state as somebody wrote it.  BadTarget where the technique does not offer it."""
    choices = states_to_choose(name)
    for state in choices:
        if plain(words) == plain(state):
            return state
    raise BadTarget(f"{words!r} is no state of this question. Choose from {', '.join(choices)}.")


def read_packet(name: str, words: str) -> Packet:
    """The packet as somebody wrote it.  BadTarget where the technique does not offer it."""
    choices = packets_to_choose(name)
    for packet in choices:
        if plain(words) == plain(packet):
            return packet
    raise BadTarget(f"{words!r} is no packet of this question. Choose from {', '.join(choices)}.")
